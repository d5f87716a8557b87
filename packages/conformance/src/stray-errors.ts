/** What nobody handles, a rejection or what a timer throws: an adapter that leaves such would end its user's process. */
export class StrayErrors {
  #first: { error: unknown } | undefined;
  readonly #listener = (error: unknown): void => {
    this.#first ??= { error };
  };

  constructor() {
    process.on("unhandledRejection", this.#listener);
    process.on("uncaughtException", this.#listener);
  }

  /** Throws where there was one since it was last asked. */
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
