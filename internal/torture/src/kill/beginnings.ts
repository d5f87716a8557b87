import type { Listener, WriterProcess } from "./writer-process.ts";

/** Tells who begins turns, to somebody who waits for the next ones. */
export class Beginnings implements Listener {
  #left = 0;
  #awaited = Promise.withResolvers<WriterProcess>();
  #failure: Error | undefined;

  /** Resolves at once when so many more turns are begun, or a large one, with who begins it. One at a time may wait. */
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
