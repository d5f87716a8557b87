import { createHash } from "node:crypto";
import {
  encodeEntry,
  type MemoryInfo,
  type Message,
  parseJson,
  type ReadOptions,
  type Revision,
  type Snapshot,
} from "@deep-agent/core/adapter";
import { formatRevision } from "../layout/revision.ts";
import { damaged } from "./memory-errors.ts";

/*
 * What the Go library go-deep-agent keeps under a key: a STRING with a JSON array of its messages, whose fields are
 * `Role`, `Content`, `ToolCalls` (null, or an array of { ID, Type, Name, Arguments }) and `ToolCallID`.
 */

/**
 * Such a value, as the log that it becomes. The same value always makes the same log: ids, times and epoch are of its
 * text.
 */
export interface ConvertedValue {
  epoch: string;
  messages: Message[];
}

/** Throws `CORRUPT` if the text is no such value. */
export function convertValue(memoryId: string, value: string): ConvertedValue {
  const epoch = `go-${createHash("sha256").update(value).digest("base64url").slice(0, 22)}`;
  return { epoch, messages: parse(memoryId, value).map((fields, index) => convert(fields, `${epoch}-${index + 1}`)) };
}

/** The texts of the entries. When they were written nobody knows: the time of each is its position. */
export function convertedEntries({ epoch, messages }: ConvertedValue): string[] {
  return messages.map((message, index) => encodeEntry(epoch, index + 1, [JSON.stringify(message)]));
}

/** What a read of the value answers, without converting it: the same as of the log that it becomes. */
export function readConverted(
  memoryId: string,
  value: string,
  { last, since, before }: ReadOptions,
): Snapshot<Message> {
  const { epoch, messages } = convertValue(memoryId, value);
  const revisionAt = (position: number): Revision => formatRevision(epoch, position, String(position));
  const known = since ?? before;
  const found =
    known === undefined ? -1 : [...messages.keys(), messages.length].findIndex((at) => revisionAt(at) === known);
  const floor = since !== undefined && found >= 0 ? found : 0;
  const to = before !== undefined && found >= 0 ? found : messages.length;
  const from = last === undefined ? floor : Math.max(floor, to - last);
  const lost = known !== undefined && found < 0;
  return {
    records: messages.slice(from, to),
    revision: revisionAt(messages.length),
    start: from === 0 ? null : revisionAt(from),
    reset: lost || (since !== undefined && from > floor),
    regressed: lost && known.startsWith(`${epoch}.`),
  };
}

/** Facts about it, as far as it has any: when it was written is not known, and said to be 0. */
export function convertedInfo(
  memoryId: string,
  value: string,
): Pick<MemoryInfo, "records" | "createdAt" | "updatedAt"> {
  return { records: convertValue(memoryId, value).messages.length, createdAt: 0, updatedAt: 0 };
}

interface GoMessage {
  Role: string;
  Content: string;
  ToolCalls: readonly GoToolCall[];
  ToolCallID: string;
}

interface GoToolCall {
  ID: string;
  Name: string;
  Arguments: string;
}

function parse(memoryId: string, value: string): GoMessage[] {
  let parsed: unknown;
  try {
    parsed = parseJson(value);
  } catch {
    // The parser's message quotes the text.
    throw damaged(memoryId, "its value is neither a list nor JSON as go-deep-agent writes it");
  }
  // Go writes a nil slice as null.
  const messages: unknown = parsed ?? [];
  if (!Array.isArray(messages) || !messages.every(isMessage)) {
    throw damaged(memoryId, "its value is JSON, but no array of go-deep-agent's messages");
  }
  return messages.map((message) => ({ ...message, ToolCalls: message.ToolCalls ?? [] }));
}

function isMessage(value: unknown): value is GoMessage {
  if (typeof value !== "object" || value === null) return false;
  const { Role, Content, ToolCalls = null, ToolCallID = "" }: Partial<Record<keyof GoMessage, unknown>> = value;
  return (
    typeof Role === "string" &&
    typeof Content === "string" &&
    typeof ToolCallID === "string" &&
    (ToolCalls === null || (Array.isArray(ToolCalls) && ToolCalls.every(isToolCall)))
  );
}

function isToolCall(value: unknown): value is GoToolCall {
  if (typeof value !== "object" || value === null) return false;
  const { ID, Name, Arguments }: Partial<Record<keyof GoToolCall, unknown>> = value;
  return typeof ID === "string" && typeof Name === "string" && typeof Arguments === "string";
}

/** The order of the properties is that of core's constructors: the text of a message has it. */
function convert({ Role, Content: content, ToolCalls, ToolCallID: toolCallId = "" }: GoMessage, id: string): Message {
  const stamp = { id, createdAt: 0 };
  if (toolCallId !== "" || Role === "tool") return { role: "tool", toolCallId, content, ...stamp };
  if (Role === "system") return { role: "system", content, ...stamp };
  if (Role !== "assistant") return { role: "user", content, ...stamp }; // as the Go library sends what it does not know
  if (ToolCalls.length === 0) return { role: "assistant", content, ...stamp };
  const toolCalls = ToolCalls.map(({ ID, Name, Arguments }) => ({ id: ID, name: Name, arguments: Arguments }));
  return { role: "assistant", content: content === "" ? null : content, ...stamp, toolCalls };
}
