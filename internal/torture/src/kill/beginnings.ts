import type { Listener, WriterProcess } from "./writer-process.ts";

/** Reports which writer begins a turn to a caller that waits for the next turns. */
export class Beginnings implements Listener {
  #left = 0;
  #awaited = Promise.withResolvers<WriterProcess>();
  #failure: Error | undefined;

  /**
   * Resolves as soon as `count` more turns, or a large one, have begun, to the writer that began the last of them. Only
   * one caller at a time may wait.
   */
  async after(count: number): Promise<WriterProcess> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#left = count;
    this.#awaited = Promise.withResolvers();
    return this.#awaited.promise;
  }

  begins(writer: WriterProcess, turn: number): void {
    this.#left -= 1;
    if (this.#left <= 0 || turn === writer.assignment?.large?.turn) this.#awaited.resolve(writer);
  }

  fails(error: Error): void {
    this.#failure = error;
    this.#awaited.reject(error);
  }
}
