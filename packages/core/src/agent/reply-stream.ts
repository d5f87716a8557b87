import type { Reply } from "../contract/reply.ts";

/**
 * The text of a reply as it arrives. The turn runs by itself: it continues and is stored even if the text is not read.
 * Leaving the loop early (`break`, `return()`) aborts the turn, as its signal would.
 *
 * A failure rejects both the loop and {@link reply}. It does not become an unhandled rejection if neither is awaited.
 */
export class ReplyStream implements AsyncIterable<string> {
  /** The result of the turn, after it is stored. Rejects as `Agent.ask` does. */
  readonly reply: Promise<Reply>;
  readonly #pieces: string[] = [];
  readonly #abandoned = new AbortController();
  #ended = false;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();

  /** Starts `turn`, which must pass each piece of text to `onText` and obey the signal. */
  constructor(
    turn: (onText: (text: string) => void, signal: AbortSignal) => Promise<Reply>,
    signal?: AbortSignal | undefined,
  ) {
    const either = signal === undefined ? this.#abandoned.signal : AbortSignal.any([signal, this.#abandoned.signal]);
    this.reply = turn((text) => this.#push(text), either);
    const end = (): void => this.#end();
    this.reply.then(end, end); // also marks a rejection as handled
  }

  /**
   * Reads from the first piece of text on. Not a generator, because `return()` must take effect while `next()` waits.
   */
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
