import type { Revision } from "../contract/backend.ts";
import type { Message } from "../contract/message.ts";

/**
 * What `clear` removed from a window: everything up to a revision, and the messages that were being stored at that
 * moment, which the log has after that revision. `null` is the beginning of the log: nothing was removed. `undefined`
 * is not known yet: the window was cleared before anything was read, so everything up to the revision that the next
 * sync finds is removed.
 */
export class ClearedWindow {
  #revision: Revision | null | undefined = null;
  #hidden: ReadonlySet<string> = new Set();
  /** The revision was read after own turns were stored, so a log that continues from it proves nothing about them. */
  #isLate = false;

  /** The revision up to which the log was cleared. */
  get revision(): Revision | null | undefined {
    return this.#revision;
  }

  /** Removes everything up to `revision`, and the messages that are being stored. */
  clear(revision: Revision | null | undefined, beingStored: readonly Message[]): void {
    this.#revision = revision;
    this.#hidden = new Set(beingStored.map(({ id }) => id));
  }

  /** Sets the revision that {@link clear} did not know: the current one of the log. */
  found(revision: Revision | null): void {
    this.#revision = revision;
    this.#isLate = true;
  }

  /** Makes everything visible again. */
  undo(): void {
    this.#revision = null;
    this.#hidden = new Set();
  }

  /** Whether a log that continues from this revision must still hold the own turns that had been stored. */
  proves(revision: Revision): boolean {
    return !(this.#isLate && revision === this.#revision);
  }

  /** A read has shown what is in the log. */
  settled(): void {
    this.#isLate = false;
  }

  /** The messages without the removed ones. */
  visible(messages: readonly Message[]): readonly Message[] {
    return this.#hidden.size === 0 ? messages : messages.filter(({ id }) => !this.#hidden.has(id));
  }
}
