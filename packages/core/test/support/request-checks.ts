import { type ChatBody, Refusal, type SentCall, type SentMessage, wordsOf } from "./insisting-server.ts";

/** Refuses halves of surrogate pairs anywhere in the request, because they are not Unicode text. */
export function checkUnicode(value: unknown, path = ""): void {
  if (typeof value === "string" && !value.isWellFormed()) throw new Refusal(path, "half of a surrogate pair");
  if (typeof value !== "object" || value === null) return;
  for (const [key, item] of Object.entries(value)) {
    const inner = Array.isArray(value) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    checkUnicode(key, inner);
    checkUnicode(item, inner);
  }
}

/** Refuses calls without results directly after them, results without calls, and several results of one call. */
export function checkResults({ messages }: ChatBody): void {
  let open: string[] = [];
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      if (!open.includes(String(message.tool_call_id))) {
        throw new Refusal(`messages[${index}].tool_call_id`, "a result without a call directly before it");
      }
      open = open.filter((id) => id !== message.tool_call_id);
      continue;
    }
    if (open.length > 0) throw new Refusal(`messages[${index}]`, `the calls ${open.join(", ")} have no result`);
    open = (message.tool_calls ?? []).map(({ id }) => id);
    if (new Set(open).size < open.length) throw new Refusal(`messages[${index}].tool_calls`, "two calls with one id");
  }
  if (open.length > 0) throw new Refusal("messages", `the calls ${open.join(", ")} have no result`);
}

/** Refuses results that are not in the order of their calls. */
export function checkResultOrder({ messages }: ChatBody): void {
  for (const [index, { tool_calls: calls = [] }] of messages.entries()) {
    const results = messages.slice(index + 1, index + 1 + calls.length).map(({ tool_call_id }) => tool_call_id);
    const expected = calls.map(({ id }) => id);
    if (results.join() !== expected.join()) {
      throw new Refusal(`messages[${index + 1}].tool_call_id`, "results in another order than their calls");
    }
  }
}

/** Refuses messages without text, unless they call tools. Text of white space alone counts as no text. */
export function checkSaysSomething({ messages }: ChatBody): void {
  for (const [index, message] of messages.entries()) {
    const { content, tool_calls: calls } = message;
    const path = `messages[${index}].content`;
    if (calls !== undefined && (content === null || content === undefined)) continue;
    if (typeof message["refusal"] === "string" && (content === null || content === undefined)) continue;
    if (Array.isArray(content)) {
      if (content.length === 0) throw new Refusal(path, "no parts");
      const blank = content.findIndex((part: { type?: unknown; text?: unknown }) => {
        return part.type === "text" && (typeof part.text !== "string" || part.text.trim() === "");
      });
      if (blank >= 0) throw new Refusal(`${path}[${blank}].text`, "a blank text part");
      continue;
    }
    if (typeof content !== "string") throw new Refusal(path, `content of type ${typeof content}`);
    if (content.trim() === "") throw new Refusal(path, "blank content");
  }
}

/** Refuses arguments that are not the JSON of an object. */
export function checkArguments({ messages }: ChatBody): void {
  eachCall(messages, (call, path) => {
    let parsed: unknown;
    try {
      parsed = JSON.parse(call.function.arguments);
    } catch {
      throw new Refusal(`${path}.function.arguments`, "not JSON");
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
      throw new Refusal(`${path}.function.arguments`, "not an object");
    }
  });
}

/** Refuses ids of calls that do not match. */
export function checkIds({ messages }: ChatBody, pattern: RegExp): void {
  eachCall(messages, ({ id }, path) => {
    if (typeof id !== "string" || !pattern.test(id)) throw new Refusal(`${path}.id`, `an id that is not ${pattern}`);
  });
}

/** Refuses two calls of one conversation with the same id. */
export function checkUniqueIds({ messages }: ChatBody): void {
  const seen = new Set<string>();
  eachCall(messages, ({ id }, path) => {
    if (seen.has(id)) throw new Refusal(`${path}.id`, "the id of an earlier call");
    seen.add(id);
  });
}

/** Refuses names of tools that do not match, and names of speakers with characters that OpenAI refuses. */
export function checkNames({ messages }: ChatBody, pattern: RegExp): void {
  eachCall(messages, (call, path) => {
    if (!pattern.test(call.function.name)) throw new Refusal(`${path}.function.name`, `a name that is not ${pattern}`);
  });
  for (const [index, { role, name }] of messages.entries()) {
    if (name === undefined) continue;
    const allowed = role === "tool" ? pattern : /^[^\s<|\\/>]{1,64}$/;
    if (typeof name !== "string" || !allowed.test(name))
      throw new Refusal(`messages[${index}].name`, "an invalid name");
  }
}

const fieldsOfRole: Readonly<Record<string, readonly string[]>> = {
  system: ["role", "content", "name"],
  user: ["role", "content", "name"],
  assistant: ["role", "content", "name", "refusal", "tool_calls"],
  tool: ["role", "content", "name", "tool_call_id"],
};

/** Refuses fields that Chat Completions does not have, unless they are `extra` of a message or of a call. */
export function checkFields({ messages }: ChatBody, extra: { message?: string[]; call?: string[] } = {}): void {
  for (const [index, message] of messages.entries()) {
    const known = fieldsOfRole[message.role];
    if (known === undefined) throw new Refusal(`messages[${index}].role`, `an unknown role: ${message.role}`);
    const allowed = message.role === "assistant" ? [...known, ...(extra.message ?? [])] : known;
    const unknown = Object.keys(message).find((field) => !allowed.includes(field));
    if (unknown !== undefined) throw new Refusal(`messages[${index}].${unknown}`, "an unknown field");
    if (message.tool_calls?.length === 0) throw new Refusal(`messages[${index}].tool_calls`, "an empty list");
  }
  eachCall(messages, (call, path) => {
    const allowed = ["id", "type", "function", ...(extra.call ?? [])];
    const unknown = Object.keys(call).find((field) => !allowed.includes(field));
    if (unknown !== undefined) throw new Refusal(`${path}.${unknown}`, "an unknown field");
    if (Object.keys(call.function).some((field) => field !== "name" && field !== "arguments")) {
      throw new Refusal(`${path}.function`, "an unknown field");
    }
  });
}

/** Refuses two messages of one role in a row, unless both are results, and a first message that is not a user's. */
export function checkTurns({ messages }: ChatBody): void {
  const first = messages.findIndex(({ role }) => role !== "system");
  for (const [index, { role }] of messages.entries()) {
    const path = `messages[${index}].role`;
    const previous = messages[index - 1]?.role;
    if (index < first) continue;
    if (index === first) {
      if (role !== "user") throw new Refusal(path, "the first message is not a user's");
    } else if (role === "system") {
      throw new Refusal(path, "a system message after the beginning");
    } else if (role === previous && role !== "tool") {
      throw new Refusal(path, `${role} after ${previous}`);
    } else if (role === "user" && previous === "tool") {
      throw new Refusal(path, "user after tool");
    } else if (role === "tool" && previous === "user") {
      throw new Refusal(path, "tool after user");
    }
  }
  if (messages.at(-1)?.role === "assistant") throw new Refusal("messages", "the last message is the assistant's");
}

/** Calls `check` for every call of a tool in the messages. */
function eachCall(messages: readonly SentMessage[], check: (call: SentCall, path: string) => void): void {
  for (const [index, { tool_calls: calls = [] }] of messages.entries()) {
    for (const [position, call] of calls.entries()) check(call, `messages[${index}].tool_calls[${position}]`);
  }
}

/** Whether tools were called in the turn that the message with this index belongs to. */
export function inToolTurn(messages: readonly SentMessage[], index: number): boolean {
  const start = messages.findLastIndex(({ role }, position) => position <= index && role === "user");
  const next = messages.findIndex(({ role }, position) => position > index && role === "user");
  return messages.slice(start, next < 0 ? undefined : next).some(({ tool_calls }) => tool_calls !== undefined);
}

/** What identifies an answer of a server in a request: the id of its first call, or else its words. */
export function keyOf({ content, tool_calls: calls }: SentMessage): string {
  return calls?.[0]?.id ?? wordsOf(content);
}

/** Whether two values of JSON are the same. The order of fields does not count. */
export function isSame(one: unknown, other: unknown): boolean {
  return canonical(one) === canonical(other);
}

function canonical(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item !== "object" || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([one], [other]) => (one < other ? -1 : 1)));
  });
}
