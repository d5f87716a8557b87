import { isDeepStrictEqual } from "node:util";
import type { ChatCompletionRequest, ChatMessage } from "@copilotkit/aimock";
import { type Dialogue, type RecordedMessage, turnsOf } from "./dialogue.ts";
import { type Answer, type ModelServer, serveModel } from "./model-server.ts";

/**
 * Starts a model that says in each dialogue what was recorded. A request names the dialogue and the turn, counted from
 * 0, in its `metadata`. The server compares all messages of the request with the record, and derives from them what to
 * say next. The history must be exactly the newest whole turns of at most `maxHistory` messages (default 20, as the
 * agent's own limit), and after it the present turn so far, with tool results. Other requests are refused with status
 * 400.
 */
export function startReplayModel(
  dialogues: readonly Dialogue[],
  options: { maxHistory?: number } = {},
): Promise<ModelServer> {
  const { maxHistory = 20 } = options;
  const recorded = new Map(dialogues.map((dialogue) => [dialogue.id, turnsOf(dialogue)]));
  return serveModel({
    model: "replay",
    answer: (request) => {
      const { dialogue, turn } = positionIn(request);
      const turns = recorded.get(dialogue);
      return turns?.[turn] === undefined
        ? { refused: `No turn ${turn} of dialogue ${JSON.stringify(dialogue)} was recorded.` }
        : nextMessage(turns, turn, request.messages, maxHistory);
    },
  });
}

function positionIn({ metadata }: ChatCompletionRequest): { dialogue: string; turn: number } {
  const { dialogue, turn } = (metadata ?? {}) as { dialogue?: unknown; turn?: unknown };
  return { dialogue: String(dialogue), turn: Number(turn) };
}

function nextMessage(
  turns: readonly RecordedMessage[][],
  turn: number,
  messages: readonly ChatMessage[],
  maxHistory: number,
): Answer {
  const sent = messages.map(asRecorded);
  const said = sent.length - 1 - sent.findLastIndex(({ role }) => role === "user");
  const expected = [...windowBefore(turns, turn, maxHistory), ...(turns[turn]?.slice(0, said + 1) ?? [])].map(
    comparable,
  );
  const wrong = expected.findIndex((message, index) => !isDeepStrictEqual(message, sent[index]));
  if (wrong !== -1 || sent.length !== expected.length) {
    const place = wrong === -1 ? expected.length : wrong;
    return {
      refused:
        `Turn ${turn} was sent ${sent.length} messages instead of ${expected.length}, and message ${place} is ` +
        `${JSON.stringify(sent[place])} instead of ${JSON.stringify(expected[place])}.`,
    };
  }
  const next = turns[turn]?.[said + 1];
  if (next?.role !== "assistant") return { refused: `Turn ${turn} was recorded without an answer here.` };
  return { text: next.content === null ? null : textOf(next), toolCalls: next.toolCalls ?? [] };
}

/** The newest whole turns before this one, with at most `maxHistory` messages in total, but at least one turn. */
function windowBefore(turns: readonly RecordedMessage[][], turn: number, maxHistory: number): RecordedMessage[] {
  let window: RecordedMessage[] = [];
  for (const earlier of turns.slice(0, turn).reverse()) {
    if (window.length > 0 && window.length + earlier.length > maxHistory) break;
    window = [...earlier, ...window];
  }
  return window;
}

function asRecorded({ role, content, tool_calls: calls, tool_call_id: toolCallId }: ChatMessage): RecordedMessage {
  return {
    role,
    content,
    ...(calls !== undefined && { toolCalls: calls.map(({ id, function: called }) => ({ id, ...called })) }),
    ...(toolCallId !== undefined && { toolCallId }),
  };
}

/** The part of a message that a request contains. */
function comparable({ role, content, toolCalls, toolCallId }: RecordedMessage): RecordedMessage {
  return { role, content, ...(toolCalls && { toolCalls }), ...(toolCallId !== undefined && { toolCallId }) };
}

function textOf({ content }: RecordedMessage): string {
  return typeof content === "string" ? content : (content ?? []).map((part) => part.text ?? "").join("");
}
