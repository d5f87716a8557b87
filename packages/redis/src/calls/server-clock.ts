/**
 * What time it is at the server, as far as one can tell from here. Local times are of `performance.now()`, so that a
 * local clock that is set changes nothing.
 */
export class ServerClock {
  /** The server's time in µs since 1970, and the local moment by which it was read. */
  #seen: { serverMicros: number; receivedAt: number } | undefined;

  get isKnown(): boolean {
    return this.#seen !== undefined;
  }

  /** A reply held the server's time. */
  observe(serverMicros: number): void {
    this.#seen = { serverMicros, receivedAt: performance.now() };
  }

  /**
   * The server's time at a local moment, in whole µs: rather early than late, since the reply took its time to come.
   * What is to happen by then does not happen after the local moment.
   */
  at(localMoment: number): number {
    if (this.#seen === undefined) throw new Error("The server's time was never read.");
    const { serverMicros, receivedAt } = this.#seen;
    return Math.floor(serverMicros + (localMoment - receivedAt) * 1000);
  }
}
