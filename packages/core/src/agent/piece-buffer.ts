/** Pieces of text that arrive over time. Every reader gets all of them, from the first piece on. */
export class PieceBuffer {
  readonly #pieces: string[] = [];
  #outcome: Promise<unknown> | undefined;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();

  push(piece: string): void {
    if (piece === "") return;
    this.#pieces.push(piece);
    this.#rouse();
  }

  /** No piece follows. Readers that have read all pieces end, or reject as `outcome` does. */
  end(outcome: Promise<unknown>): void {
    this.#outcome = outcome;
    this.#rouse();
  }

  /**
   * A reader. `onLeave` is called if it is left before the end. Not a generator, because `return()` must take effect
   * while `next()` waits.
   */
  read(onLeave?: () => void): AsyncIterator<string, undefined, undefined> {
    let position = 0;
    let left = false;
    return {
      next: async () => {
        while (!left) {
          const value = this.#pieces[position];
          if (value !== undefined) {
            position += 1;
            return { value, done: false };
          }
          if (this.#outcome === undefined) {
            await this.#wake.promise;
          } else {
            left = true;
            await this.#outcome;
          }
        }
        return { value: undefined, done: true };
      },
      return: async () => {
        left = true;
        if (this.#outcome === undefined) onLeave?.();
        this.#rouse();
        return { value: undefined, done: true };
      },
    };
  }

  #rouse(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
