import { assistant, type Message, user } from "@deep-agent/core";
import type { Turn } from "./contender.ts";

/** Bytes of a message as JSON. The measurement of storage uses the same size. */
const MESSAGE_BYTES = 500;

const words = "the quick brown fox jumps over a lazy dog and asks what it was that he had said before ".repeat(8);

/** Pads a message with text until its JSON has {@link MESSAGE_BYTES}. No two are equal; their texts vary in length. */
function sized<M extends Message>(message: M, number: number): M {
  const rest = MESSAGE_BYTES - JSON.stringify({ ...message, content: `${number}: ` }).length;
  const from = number % 80;
  return { ...message, content: `${number}: ${words.slice(from, from + rest)}` };
}

/** Messages of a user and replies, in turn. */
export function messagesOf(count: number): Message[] {
  return Array.from({ length: count / 2 }, (_, number) => turnOf(number)).flat();
}

export function turnOf(number: number): Turn {
  return [sized(user(""), 2 * number), sized(assistant(""), 2 * number + 1)];
}

export function turnsOf(messages: readonly Message[]): Turn[] {
  return Array.from({ length: messages.length / 2 }, (_, number) => messages.slice(2 * number, 2 * number + 2));
}

/** The text of a message of {@link messagesOf}. */
export function textOf({ content }: Message): string {
  return typeof content === "string" ? content : "";
}
