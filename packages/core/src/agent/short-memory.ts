import type { Message } from "../contract/message.ts";
import { cutToLimits, type WindowLimits } from "../conversation/window.ts";

/** A conversation that lives in RAM alone. */
export class ShortMemory {
  #messages: Message[] = [];

  /** What is remembered; what is beyond the limits is forgotten. */
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
