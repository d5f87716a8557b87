import type { Reply } from "../contract/reply.ts";
import { PieceBuffer } from "./piece-buffer.ts";

/** Where a turn passes what the model says. */
export interface ReplyListener {
  /** Called with each piece of text or of a refusal. */
  onText(text: string): void;
  /** Called with each piece of reasoning. */
  onReasoning(text: string): void;
}

/**
 * The text of a reply as it arrives. The turn runs by itself: it continues and is stored even if the text is not read.
 * Leaving the loop early (`break`, `return()`) aborts the turn, as its signal would.
 *
 * A failure rejects the loops and {@link reply}. It does not become an unhandled rejection if none of them is awaited.
 */
export class ReplyStream implements AsyncIterable<string> {
  /** The result of the turn, after it is stored. Rejects as `Agent.ask` does. */
  readonly reply: Promise<Reply>;
  /**
   * The reasoning of the model as it arrives, of all rounds of the turn. It ends when the turn ends: read it beside the
   * text, not before it. Leaving this loop early does not abort the turn.
   */
  readonly reasoning: AsyncIterable<string>;
  readonly #text: PieceBuffer;
  readonly #abandoned = new AbortController();

  /** Starts `turn`, which must pass to the listener what the model says, and obey the signal. */
  constructor(
    turn: (listener: ReplyListener, signal: AbortSignal) => Promise<Reply>,
    signal?: AbortSignal | undefined,
  ) {
    const either = signal === undefined ? this.#abandoned.signal : AbortSignal.any([signal, this.#abandoned.signal]);
    const text = new PieceBuffer();
    const reasoning = new PieceBuffer();
    const listener = {
      onText: (piece: string) => text.push(piece),
      onReasoning: (piece: string) => reasoning.push(piece),
    };
    this.reply = turn(listener, either);
    const end = (): void => {
      text.end(this.reply);
      reasoning.end(this.reply);
    };
    this.reply.then(end, end); // also marks a rejection as handled
    this.#text = text;
    this.reasoning = { [Symbol.asyncIterator]: () => reasoning.read() };
  }

  /** Reads from the first piece of text on. */
  [Symbol.asyncIterator](): AsyncIterator<string, undefined, undefined> {
    return this.#text.read(() => {
      this.#abandoned.abort(new DOMException("The stream was left before its end.", "AbortError"));
    });
  }
}
