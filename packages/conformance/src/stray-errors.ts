/**
 * Collects unhandled rejections, and errors that a timer throws. An adapter that causes one would end its user's
 * process.
 */
export class StrayErrors {
  #first: { error: unknown } | undefined;
  readonly #listener = (error: unknown): void => {
    this.#first ??= { error };
  };

  constructor() {
    process.on("unhandledRejection", this.#listener);
    process.on("uncaughtException", this.#listener);
  }

  /** Rejects if there was an unhandled error since the last check. */
  async check(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    const first = this.#first;
    this.#first = undefined;
    if (first === undefined) return;
    throw new Error(`An error was left unhandled: ${String(first.error)}`, { cause: first.error });
  }

  ignore(): void {
    process.off("unhandledRejection", this.#listener);
    process.off("uncaughtException", this.#listener);
  }
}
