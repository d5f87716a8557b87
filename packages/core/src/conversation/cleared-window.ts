import type { Revision } from "../contract/backend.ts";
import type { Message } from "../contract/message.ts";

/**
 * What `clear` took out of a window: everything up to a revision, and the messages that were on their way into the store at
 * that moment, which are stored after it. `null` is the beginning of the log: nothing was taken. Not known (`undefined`): the
 * window was cleared before anything was read, and ends wherever the next sync finds the log.
 */
export class ClearedWindow {
  #revision: Revision | null | undefined = null;
  #hidden: ReadonlySet<string> = new Set();
  /** The revision was read after own turns had been stored, so a log that continues from it proves nothing about those turns. */
  #isLate = false;

  /** Up to where the log was cleared. */
  get revision(): Revision | null | undefined {
    return this.#revision;
  }

  /** Takes all up to `revision`, and the messages that are on their way. */
  clear(revision: Revision | null | undefined, onTheirWay: readonly Message[]): void {
    this.#revision = revision;
    this.#hidden = new Set(onTheirWay.map(({ id }) => id));
  }

  /** The revision that {@link clear} did not know: where the log stands by now. */
  found(revision: Revision | null): void {
    this.#revision = revision;
    this.#isLate = true;
  }

  /** Gives back what was taken. */
  undo(): void {
    this.#revision = null;
    this.#hidden = new Set();
  }

  /** Whether a log that continues from this revision still has the own turns that were stored before it was read. */
  proves(revision: Revision): boolean {
    return !(this.#isLate && revision === this.#revision);
  }

  /** A read has told what is in the log. */
  settled(): void {
    this.#isLate = false;
  }

  /** Without the messages that were taken. */
  visible(messages: readonly Message[]): readonly Message[] {
    return this.#hidden.size === 0 ? messages : messages.filter(({ id }) => !this.#hidden.has(id));
  }
}
