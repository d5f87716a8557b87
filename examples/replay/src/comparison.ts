import { isDeepStrictEqual } from "node:util";
import type { Message } from "@deep-agent/core";
import type { Dialogue, RecordedMessage } from "@deep-agent-examples/offline-model";

/** Counts of what the backend holds, and how that differs from what was said. */
export interface Comparison {
  conversations: number;
  messages: number;
  toolCalls: number;
  mismatches: number;
  /** Descriptions of the first few mismatches. */
  differences: string[];
}

const SHOWN = 10;

export function emptyComparison(): Comparison {
  return { conversations: 0, messages: 0, toolCalls: 0, mismatches: 0, differences: [] };
}

/** Adds a dialogue and its memory to the comparison. `null`: the memory is missing. */
export function addToComparison(
  comparison: Comparison,
  { id, messages }: Dialogue,
  memory: readonly Message[] | null,
): void {
  const stored = memory ?? [];
  if (memory !== null) comparison.conversations += 1;
  comparison.messages += stored.length;
  comparison.toolCalls += stored.flatMap((message) =>
    message.role === "assistant" ? (message.toolCalls ?? []) : [],
  ).length;
  for (let index = 0; index < Math.max(messages.length, stored.length); index++) {
    const [said, kept] = [messages[index], stored[index]].map(essence);
    if (isDeepStrictEqual(said, kept)) continue;
    comparison.mismatches += 1;
    if (comparison.differences.length < SHOWN) {
      comparison.differences.push(
        `Message ${index} of ${JSON.stringify(id)}: said ${JSON.stringify(said)}, stored ${JSON.stringify(kept)}`,
      );
    }
  }
}

/** The compared part of a message; `undefined` if the message is missing. */
function essence(message: RecordedMessage | Message | undefined): object | undefined {
  if (message === undefined) return undefined;
  // A Message has all properties of a recorded one.
  const { role, content, toolCalls = [], toolCallId } = message as RecordedMessage;
  return { role, content, toolCalls, toolCallId };
}
