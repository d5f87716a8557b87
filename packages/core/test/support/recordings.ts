import { delta, finish } from "./chat-server.ts";

/** An answer as some server streamed it, and the message that it means. */
export interface Recording {
  /** The events of the stream, each with its line breaks, or a body that is no stream. */
  events: string[];
  /** The content type. Default `text/event-stream`. */
  contentType?: string;
  /** The fields of the message that is right, without id, time, usage and what the provider added. */
  message: {
    content: unknown;
    toolCalls?: { id?: string; name: string; arguments: unknown }[];
    [field: string]: unknown;
  };
  /** Options that such a server needs. */
  options?: { acceptEndMark?: boolean };
}

const end = "data: [DONE]\n\n";
const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };

function events(...chunks: object[]): string[] {
  return [...chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`), end];
}

/** A piece of a call, in a chunk of its own. */
function piece(fields: object): object {
  return delta({ tool_calls: [fields] });
}

function fn(name: string | null, args?: unknown): object {
  return { function: { ...(name !== null && { name }), ...(args !== undefined && { arguments: args }) } };
}

/** A chunk with `message` in place of `delta`. */
function message(fields: object, reason: string | null = "stop"): object {
  return { id: "c", object: "chat.completion.chunk", choices: [{ index: 0, message: fields, finish_reason: reason }] };
}

const LISBON = '{"city":"Lisbon"}';
const lisbon = { name: "weather", arguments: { city: "Lisbon" } };
const porto = { name: "weather", arguments: { city: "Porto" } };
const clock = { name: "clock", arguments: {} };

/** Calls in chunks, then the end. */
function calls(...chunks: object[]): string[] {
  return events(...chunks, finish("tool_calls"), { choices: [], usage });
}

function calling(...toolCalls: Recording["message"]["toolCalls"] & object): Recording["message"] {
  return { content: null, toolCalls };
}

/** Calls that servers stream in other ways than OpenAI does. */
export const untidyCalls: Record<string, Recording> = {
  "pieces, as OpenAI sends them": {
    events: calls(
      piece({ index: 0, id: "call_1", type: "function", ...fn("weather", "") }),
      piece({ index: 0, ...fn(null, '{"ci') }),
      piece({ index: 0, ...fn(null, 'ty":"Lisbon"}') }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "an empty object, then the arguments in pieces": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", "{}") }),
      piece({ index: 0, ...fn(null, '{"city":') }),
      piece({ index: 0, ...fn(null, '"Lisbon"}') }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "an empty object, then the whole arguments": {
    events: calls(piece({ index: 0, id: "call_1", ...fn("weather", "{}") }), piece({ index: 0, ...fn(null, LISBON) })),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "an empty object as JSON, then the arguments as JSON": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", {}) }),
      piece({ index: 0, ...fn(null, { city: "Lisbon" }) }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "an empty object that is all": {
    events: calls(piece({ index: 0, id: "call_1", ...fn("clock", "{}") }), piece({ index: 0, ...fn(null, "") })),
    message: calling({ id: "call_1", ...clock }),
  },
  "an empty object, and then another call's": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("clock", "{}") }),
      piece({ index: 1, id: "call_2", ...fn("weather", "{}") }),
      piece({ index: 1, ...fn(null, LISBON) }),
    ),
    message: calling({ id: "call_1", ...clock }, { id: "call_2", ...lisbon }),
  },
  "pieces, and then the whole again": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", "") }),
      piece({ index: 0, ...fn(null, '{"city":') }),
      piece({ index: 0, ...fn(null, '"Lisbon"}') }),
      piece({ index: 0, ...fn(null, '{"city": "Lisbon"}') }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "pieces, and then the whole again with id and name": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", '{"city":') }),
      piece({ index: 0, ...fn(null, '"Lisbon"}') }),
      piece({ index: 0, id: "call_1", ...fn("weather", LISBON) }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "pieces of which one is an object by itself": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", '{"city":"Lisbon","filter":') }),
      piece({ index: 0, ...fn(null, '{"days":1}') }),
      piece({ index: 0, ...fn(null, "}") }),
    ),
    message: calling({ id: "call_1", name: "weather", arguments: { city: "Lisbon", filter: { days: 1 } } }),
  },
  "pieces that split a text with braces and quotes": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", '{"city":"{}') }),
      piece({ index: 0, ...fn(null, '{}\\"') }),
      piece({ index: 0, ...fn(null, '{\\"a\\":1}') }),
      piece({ index: 0, ...fn(null, '"}') }),
    ),
    message: calling({ id: "call_1", name: "weather", arguments: { city: '{}{}"{"a":1}' } }),
  },
  "arguments with white space after them": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", LISBON) }),
      piece({ index: 0, ...fn(null, "\n") }),
      piece({ index: 0, ...fn(null, " ") }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "a last call without id, name and arguments": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", LISBON) }),
      piece({ index: 1, id: "", type: "function", ...fn("", "") }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "a last call of nothing": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", LISBON) }),
      piece({ index: 1, id: null, function: null }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "a last call of nothing in the chunk of the first": {
    events: calls(delta({ tool_calls: [{ index: 0, id: "call_1", ...fn("weather", LISBON) }, { index: 1 }] })),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "text, and a call of nothing": {
    events: events(delta({ content: "Hi" }), piece({ index: 0, id: "", ...fn("", "") }), finish()),
    message: { content: "Hi" },
  },
  "two calls with the index 0, without ids": {
    events: calls(piece({ index: 0, ...fn("weather", LISBON) }), piece({ index: 0, ...fn("clock", "{}") })),
    message: calling(lisbon, clock),
  },
  "two calls of one tool with the index 0, without ids": {
    events: calls(
      piece({ index: 0, ...fn("weather", LISBON) }),
      piece({ index: 0, ...fn("weather", '{"city":"Porto"}') }),
    ),
    message: calling(lisbon, porto),
  },
  "two calls with the index 0, without ids, in pieces": {
    events: calls(
      piece({ index: 0, ...fn("weather", '{"city":') }),
      piece({ index: 0, ...fn(null, '"Lisbon"}') }),
      piece({ index: 0, ...fn("weather", '{"city":') }),
      piece({ index: 0, ...fn(null, '"Porto"}') }),
    ),
    message: calling(lisbon, porto),
  },
  "two calls with the index 0, without ids, in one chunk": {
    events: calls(
      delta({
        tool_calls: [
          { index: 0, ...fn("weather", LISBON) },
          { index: 0, ...fn("clock", "{}") },
        ],
      }),
    ),
    message: calling(lisbon, clock),
  },
  "a call without arguments, then one with them, both with the index 0": {
    events: calls(piece({ index: 0, ...fn("clock", "") }), piece({ index: 0, ...fn("weather", LISBON) })),
    message: calling(clock, lisbon),
  },
  "the name in each piece, with the index 0, without ids": {
    events: calls(
      piece({ index: 0, ...fn("weather", '{"city":') }),
      piece({ index: 0, ...fn("weather", '"Lis') }),
      piece({ index: 0, ...fn("weather", 'bon"}') }),
    ),
    message: calling(lisbon),
  },
  "a new id in each piece": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", '{"city":') }),
      piece({ index: 0, id: "call_2", ...fn(null, '"Lis') }),
      piece({ index: 0, id: "call_3", ...fn(null, 'bon"}') }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "a new id and the name in each piece": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", '{"city":') }),
      piece({ index: 0, id: "call_2", ...fn("weather", '"Lis') }),
      piece({ index: 0, id: "call_3", ...fn("weather", 'bon"}') }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "a new id in each piece, without an index": {
    events: calls(
      piece({ id: "call_1", ...fn("weather", '{"city":') }),
      piece({ id: "call_2", ...fn(null, '"Lis') }),
      piece({ id: "call_3", ...fn(null, 'bon"}') }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "a new id and an empty name in each piece": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", "") }),
      piece({ index: 0, id: "call_2", ...fn("", '{"city":') }),
      piece({ index: 0, id: "call_3", ...fn("", '"Lisbon"}') }),
    ),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "two calls whose pieces alternate": {
    events: calls(
      delta({
        tool_calls: [
          { index: 0, id: "call_1", ...fn("weather", "") },
          { index: 1, id: "call_2", ...fn("weather", "") },
        ],
      }),
      delta({
        tool_calls: [
          { index: 0, ...fn(null, '{"city":') },
          { index: 1, ...fn(null, '{"city":') },
        ],
      }),
      delta({
        tool_calls: [
          { index: 1, ...fn(null, '"Porto"}') },
          { index: 0, ...fn(null, '"Lisbon"}') },
        ],
      }),
    ),
    message: calling({ id: "call_1", ...lisbon }, { id: "call_2", ...porto }),
  },
  "the deprecated function_call": {
    events: events(
      delta({ role: "assistant", content: null, function_call: { name: "weather", arguments: "" } }),
      delta({ function_call: { arguments: '{"city":' } }),
      delta({ function_call: { arguments: '"Lisbon"}' } }),
      finish("function_call"),
    ),
    message: calling(lisbon),
  },
  "a whole call again, with another id": {
    events: calls(
      piece({ index: 0, id: "call_1", ...fn("weather", LISBON) }),
      piece({ index: 1, id: "call_2", ...fn("weather", '{"city":"Porto"}') }),
      piece({ index: 1, ...fn(null, '{"city":"Porto"}') }),
    ),
    message: calling({ id: "call_1", ...lisbon }, { id: "call_2", ...porto }),
  },
  "calls whose index begins with 1": {
    events: calls(
      piece({ index: 1, id: "call_1", ...fn("weather", '{"city":') }),
      piece({ index: 1, ...fn(null, '"Lisbon"}') }),
      piece({ index: 2, id: "call_2", ...fn("clock", "{}") }),
    ),
    message: calling({ id: "call_1", ...lisbon }, { id: "call_2", ...clock }),
  },
  "an index as text": {
    events: calls(
      piece({ index: "0", id: "call_1", ...fn("weather", '{"city":') }),
      piece({ index: "1", id: "call_2", ...fn("weather", '{"city":') }),
      piece({ index: "0", ...fn(null, '"Lisbon"}') }),
      piece({ index: "1", ...fn(null, '"Porto"}') }),
    ),
    message: calling({ id: "call_1", ...lisbon }, { id: "call_2", ...porto }),
  },
  "calls with the reason stop": {
    events: events(piece({ index: 0, id: "call_1", ...fn("weather", LISBON) }), finish("stop")),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "calls in the chunk of the reason, after text": {
    events: events(
      delta({ content: "Let me " }),
      delta({ content: "look. 🌦" }),
      delta({ tool_calls: [{ index: 0, id: "call_1", ...fn("weather", LISBON) }] }, "tool_calls"),
    ),
    message: { content: "Let me look. 🌦", toolCalls: [{ id: "call_1", ...lisbon }] },
  },
};

const completion = (fields: object, reason = "stop"): string =>
  JSON.stringify({
    id: "c",
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", ...fields }, finish_reason: reason }],
    usage,
  });
const wholeCall = { id: "call_1", type: "function", ...fn("weather", LISBON) };

/** Answers that stand elsewhere than OpenAI puts them. */
export const misplacedAnswers: Record<string, Recording> = {
  "a message where the delta belongs": {
    events: events(message({ role: "assistant", content: "Hi there 🙂" })),
    message: { content: "Hi there 🙂" },
  },
  "a message with a call where the delta belongs": {
    events: events(message({ role: "assistant", content: null, tool_calls: [wholeCall] }, "tool_calls")),
    message: calling({ id: "call_1", ...lisbon }),
  },
  "messages in pieces where deltas belong": {
    events: events(message({ content: "Hi " }, null), message({ content: "there" }, null), message({}, "stop")),
    message: { content: "Hi there" },
  },
  "a message again after the deltas": {
    events: events(
      delta({ role: "assistant", content: "Hi " }),
      delta({ content: "there" }),
      message({ role: "assistant", content: "Hi there" }),
    ),
    message: { content: "Hi there" },
  },
  "a message with a call again after the deltas": {
    events: events(
      delta({ content: "Look: " }),
      piece({ index: 0, id: "call_1", ...fn("weather", '{"city":') }),
      piece({ index: 0, ...fn(null, '"Lisbon"}') }),
      message({ role: "assistant", content: "Look: ", tool_calls: [wholeCall] }, "tool_calls"),
    ),
    message: { content: "Look: ", toolCalls: [{ id: "call_1", ...lisbon }] },
  },
  "a message again in the choice of the last delta": {
    events: events(delta({ content: "Hi " }), {
      choices: [{ index: 0, delta: { content: "there" }, message: { content: "Hi there" }, finish_reason: "stop" }],
    }),
    message: { content: "Hi there" },
  },
  "an empty message after the deltas": {
    events: events(
      delta({ content: "Hi" }),
      piece({ index: 0, id: "call_1", ...fn("weather", LISBON) }),
      message({ role: "assistant", content: null }, "tool_calls"),
    ),
    message: { content: "Hi", toolCalls: [{ id: "call_1", ...lisbon }] },
  },
  "a message with reasoning again after the deltas": {
    events: events(
      delta({ reasoning_content: "Hm" }),
      delta({ content: "Hi" }),
      message({ role: "assistant", content: "Hi", reasoning_content: "Hm" }),
    ),
    message: { content: "Hi", reasoning: "Hm" },
  },
  "plain JSON instead of a stream": {
    events: [completion({ content: "Hi there 🙂" })],
    contentType: "application/json",
    message: { content: "Hi there 🙂" },
  },
  "plain JSON with a call": {
    events: [completion({ content: null, tool_calls: [wholeCall] }, "tool_calls")],
    contentType: "application/json; charset=utf-8",
    message: calling({ id: "call_1", ...lisbon }),
  },
  "plain JSON with reasoning, over several lines": {
    events: [JSON.stringify(JSON.parse(completion({ content: "Hi", reasoning_content: "Hm" })), null, 2)],
    contentType: "application/json",
    message: { content: "Hi", reasoning: "Hm" },
  },
  "plain JSON that is called a stream": {
    events: [completion({ content: "Hi" })],
    message: { content: "Hi" },
  },
  "a stream that is called JSON": {
    events: events(delta({ content: "Hi" }), finish()),
    contentType: "application/json",
    message: { content: "Hi" },
  },
  "a stream that is called plain text": {
    events: events(delta({ content: "Hi" }), finish()),
    contentType: "text/plain; charset=utf-8",
    message: { content: "Hi" },
  },
  "a stream with comments, other fields and carriage returns": {
    events: events(delta({ content: "Hi" }), finish()).map((event) =>
      `: wait\r\n\r\nid: 7\r\nretry: 10\r\n${event}`.replaceAll(/(?<!\r)\n/g, "\r\n"),
    ),
    message: { content: "Hi" },
  },
  "a stream without spaces after data:": {
    events: events(delta({ content: "Hi" }), finish()).map((event) => event.replace("data: ", "data:")),
    message: { content: "Hi" },
  },
  "a stream without the end mark": {
    events: events(delta({ content: "Hi" }), finish()).slice(0, -1),
    message: { content: "Hi" },
  },
  "a stream without any reason, if the end mark is accepted": {
    events: events(delta({ content: "Hi " }), delta({ content: "there" })),
    options: { acceptEndMark: true },
    message: { content: "Hi there" },
  },
  "calls without any reason, if the end mark is accepted": {
    events: events(
      piece({ index: 0, id: "call_1", ...fn("weather", '{"city":') }),
      piece({ index: 0, ...fn(null, '"Lisbon"}') }),
    ),
    options: { acceptEndMark: true },
    message: calling({ id: "call_1", ...lisbon }),
  },
};

const text = (value: string) => ({ type: "text", text: value });
const thinking = (value: unknown) => ({ type: "thinking", thinking: value });

/** Content that is not text alone, and reasoning under several names. */
export const richAnswers: Record<string, Recording> = {
  "text as a part": {
    events: events(delta({ content: [text("Hi ")] }), delta({ content: [text("the"), text("re")] }), finish()),
    message: { content: "Hi there" },
  },
  "text, now as a part and now as a string": {
    events: events(delta({ content: [text("Hi ")] }), delta({ content: "there" }), delta({ content: [] }), finish()),
    message: { content: "Hi there" },
  },
  "thinking as parts": {
    events: events(
      delta({ content: [thinking([text("Hm")])] }),
      delta({ content: [thinking([text(", so")])] }),
      delta({ content: [thinking("."), text("Hi")] }),
      finish(),
    ),
    message: { content: "Hi", reasoning: "Hm, so." },
  },
  "thinking as parts, then a call": {
    events: events(delta({ content: [thinking([text("Hm")])] }), delta({ tool_calls: [wholeCall] }, "tool_calls")),
    message: { content: null, reasoning: "Hm", toolCalls: [{ id: "call_1", ...lisbon }] },
  },
  "a part of an unknown kind": {
    events: events(delta({ content: [text("Hi"), { type: "reference", reference_ids: [1, 2] }] }), finish()),
    message: { content: "Hi" },
  },
  reasoning_content: {
    events: events(
      delta({ role: "assistant", content: null, reasoning_content: "" }),
      delta({ content: null, reasoning_content: "Hm" }),
      delta({ content: "Hi", reasoning_content: null }),
      finish(),
    ),
    message: { content: "Hi", reasoning: "Hm" },
  },
  reasoning: {
    events: events(delta({ reasoning: "H" }), delta({ reasoning: "m" }), delta({ content: "Hi" }), finish()),
    message: { content: "Hi", reasoning: "Hm" },
  },
  "the same reasoning under two names": {
    events: events(
      delta({ reasoning: "H", reasoning_content: "H" }),
      delta({ reasoning: "m", reasoning_content: "m" }),
      delta({ content: "Hi" }),
      finish(),
    ),
    message: { content: "Hi", reasoning: "Hm" },
  },
  "reasoning beside its details": {
    events: events(
      delta({ reasoning: "H", reasoning_details: [{ type: "reasoning.text", index: 0, text: "H" }] }),
      delta({ reasoning: "m", reasoning_details: [{ type: "reasoning.text", index: 0, text: "m" }] }),
      delta({ reasoning_details: [{ type: "reasoning.text", index: 0, signature: "s" }] }),
      delta({ content: "Hi" }),
      finish(),
    ),
    message: { content: "Hi", reasoning: "Hm" },
  },
  "reasoning alone": {
    events: events(delta({ reasoning_content: "Hm" }), finish()),
    message: { content: "", reasoning: "Hm", status: "empty" },
  },
  nothing: {
    events: events(delta({ role: "assistant", content: "" }), finish()),
    message: { content: "", status: "empty" },
  },
  "white space": {
    events: events(delta({ content: " \n" }), finish()),
    message: { content: " \n", status: "empty" },
  },
  "a refusal": {
    events: events(delta({ refusal: "I must " }), delta({ refusal: "not." }), finish()),
    message: { content: null, refusal: "I must not." },
  },
  "the word null as a reason, until the end": {
    events: events(delta({ content: "Hi " }, "null"), delta({ content: "there" }, "null"), finish()),
    message: { content: "Hi there" },
  },
  "an empty reason, until the end": {
    events: events(delta({ content: "Hi " }, ""), delta({ content: "there" }, ""), finish()),
    message: { content: "Hi there" },
  },
  "chunks without choices, deltas or content in between": {
    events: events(
      { choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
      delta({ role: "assistant", content: "" }),
      delta({ content: "Hi" }),
      { choices: [{ index: 0, content_filter_offsets: { start: 0 }, finish_reason: null }] },
      { choices: null },
      { choices: [{ index: 0, delta: null, finish_reason: null }] },
      { choices: [{ index: 0, delta: {}, finish_reason: "stop", content_filter_results: {} }] },
    ),
    message: { content: "Hi" },
  },
  "several choices, of which the first counts": {
    events: events(
      { choices: [{ index: 1, delta: { content: "Other" }, finish_reason: "stop" }] },
      delta({ content: "Hi" }),
      {
        choices: [
          { index: 1, delta: { content: "!" }, finish_reason: "stop" },
          { index: 0, finish_reason: "stop" },
        ],
      },
    ),
    message: { content: "Hi" },
  },
  "text, then a usage in each chunk": {
    events: events(
      { ...delta({ content: "Hi " }), usage },
      { ...delta({ content: "there" }), usage: null },
      { ...finish(), usage },
    ),
    message: { content: "Hi there" },
  },
};

/** The words of providers for an answer that they cut. */
export const cuttingReasons: readonly string[] = [
  ...["length", "content_filter", "max_tokens", "model_length", "insufficient_system_resource"],
  ...["function_call_filter: MALFORMED_FUNCTION_CALL", "MAX_TOKENS", "SAFETY", "abort", "sensitive"],
];

/** The words of providers for an answer that is whole. */
export const wholeReasons: readonly string[] = [
  "stop",
  "eos",
  "end_turn",
  "stop_sequence",
  "tool_calls",
  "function_call",
];
