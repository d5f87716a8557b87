import type { Reply } from "./reply.ts";

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
  readonly #abandon: (reason: unknown) => void;
  #ended = false;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();

  /** Starts `turn`, which is to hand over the pieces of text and to heed the signal. */
  constructor(
    turn: (onText: (text: string) => void, signal: AbortSignal) => Promise<Reply>,
    signal?: AbortSignal | undefined,
  ) {
    const abandoned = new AbortController();
    this.#abandon = (reason) => abandoned.abort(reason);
    const either = signal === undefined ? abandoned.signal : AbortSignal.any([signal, abandoned.signal]);
    this.reply = turn((text) => this.#push(text), either);
    const end = (): void => this.#end();
    this.reply.then(end, end); // also marks a rejection as handled
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    let complete = false;
    try {
      for (let read = 0; ; ) {
        const piece = this.#pieces[read];
        if (piece !== undefined) {
          read += 1;
          yield piece;
        } else if (this.#ended) {
          break;
        } else {
          await this.#wake.promise;
        }
      }
      complete = true;
      await this.reply;
    } finally {
      if (!complete) this.#abandon(new DOMException("The stream was left before its end.", "AbortError"));
    }
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
