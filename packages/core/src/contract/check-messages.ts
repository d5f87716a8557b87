import { MemoryError } from "./memory-error.ts";
import { type Message, messageProblem } from "./message.ts";

/** Throws `INVALID_ARGUMENT` unless `messages` is an array of messages. */
export function checkMessages(messages: readonly Message[]): void {
  const problem = Array.isArray(messages) ? problemIn(messages) : "they are not an array";
  if (problem !== undefined) throw new MemoryError("INVALID_ARGUMENT", `These are not messages: ${problem}.`);
}

/** What is wrong with the first of `messages` that is not a message, and its place; `undefined`: nothing. */
export function problemIn(
  messages: readonly unknown[],
  problemOf: (message: unknown) => string | undefined = messageProblem,
): string | undefined {
  for (const [place, message] of messages.entries()) {
    const problem = problemOf(message);
    if (problem !== undefined) return `message ${place}: ${problem}`;
  }
  return undefined;
}
