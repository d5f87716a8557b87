import type { Message } from "../contract/message.ts";
import { cutToLimits, type WindowLimits } from "../conversation/window.ts";

/** A conversation that is only in RAM. */
export class ShortMemory {
  #messages: Message[] = [];

  /** The remembered messages. Those beyond the limits are dropped. */
  window(limits: WindowLimits): Message[] {
    this.#messages = cutToLimits(this.#messages, limits);
    return this.#messages;
  }

  add(turn: readonly Message[]): void {
    this.#messages = [...this.#messages, ...turn];
  }

  clear(): void {
    this.#messages = [];
  }
}
