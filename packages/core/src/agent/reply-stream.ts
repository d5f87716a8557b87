import type { Reply } from "../contract/reply.ts";

/**
 * The text of a reply as it comes. The turn runs by itself: it goes on, and is stored, whether or not anyone reads the text.
 * Leaving the loop early (`break`, `return()`) aborts the turn, as its signal would.
 *
 * A failure rejects both the loop and {@link reply}; one that nobody waits for is no unhandled rejection.
 */
export class ReplyStream implements AsyncIterable<string> {
  /** What the turn brought, once it is stored. */
  readonly reply: Promise<Reply>;
  readonly #pieces: string[] = [];
  readonly #abandoned = new AbortController();
  #ended = false;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();

  /** Starts `turn`, which is to hand over the pieces of text and to heed the signal. */
  constructor(
    turn: (onText: (text: string) => void, signal: AbortSignal) => Promise<Reply>,
    signal?: AbortSignal | undefined,
  ) {
    const either = signal === undefined ? this.#abandoned.signal : AbortSignal.any([signal, this.#abandoned.signal]);
    this.reply = turn((text) => this.#push(text), either);
    const end = (): void => this.#end();
    this.reply.then(end, end); // also marks a rejection as handled
  }

  /** Reads from the first piece on. Not a generator: `return()` is to take effect while `next()` waits. */
  [Symbol.asyncIterator](): AsyncIterator<string, undefined, undefined> {
    let read = 0;
    let left = false;
    return {
      next: async () => {
        while (!left) {
          const value = this.#pieces[read];
          if (value !== undefined) {
            read += 1;
            return { value, done: false };
          }
          if (this.#ended) {
            left = true;
            await this.reply;
          } else {
            await this.#wake.promise;
          }
        }
        return { value: undefined, done: true };
      },
      return: async () => {
        left = true;
        if (!this.#ended) this.#abandon();
        return { value: undefined, done: true };
      },
    };
  }

  #abandon(): void {
    this.#abandoned.abort(new DOMException("The stream was left before its end.", "AbortError"));
    this.#rouse();
  }

  #push(text: string): void {
    if (text === "") return;
    this.#pieces.push(text);
    this.#rouse();
  }

  #end(): void {
    this.#ended = true;
    this.#rouse();
  }

  #rouse(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}
