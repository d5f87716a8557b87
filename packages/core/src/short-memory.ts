import type { Message } from "./message.ts";
import { cutToLimits, type WindowLimits } from "./window.ts";

/** A conversation that lives in RAM alone. */
export class ShortMemory {
  #messages: Message[] = [];

  get messages(): Message[] {
    return this.#messages;
  }

  add(turn: readonly Message[], limits: WindowLimits): void {
    this.#messages = cutToLimits([...this.#messages, ...turn], limits);
  }

  clear(): void {
    this.#messages = [];
  }
}
