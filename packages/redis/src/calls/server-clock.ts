/**
 * Estimates the server's time. Local moments are those of `performance.now()`, so that setting the local clock changes
 * nothing.
 */
export class ServerClock {
  /** The server's time in µs since 1970, and the local moment when the reply with it arrived. */
  #seen: { serverMicros: number; receivedAt: number } | undefined;

  get isKnown(): boolean {
    return this.#seen !== undefined;
  }

  /** Notes the server's time, from a reply that has just arrived. */
  observe(serverMicros: number): void {
    if (!Number.isFinite(serverMicros)) return; // the server answered something else
    this.#seen = { serverMicros, receivedAt: performance.now() };
  }

  /**
   * The server's time at a local moment, in whole µs since 1970. The reply took some time to arrive, so this is never
   * later than the true time: a deadline for the server does not fall after the local moment.
   */
  at(localMoment: number): number {
    if (this.#seen === undefined) throw new Error("The server's time was never read.");
    const { serverMicros, receivedAt } = this.#seen;
    return Math.floor(serverMicros + (localMoment - receivedAt) * 1000);
  }
}
