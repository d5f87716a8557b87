import type { Message } from "@deep-agent/core";
import type { ModelFault } from "./model-server.ts";
import { answerText, callIds, type Question, resultText, roundText, stopText } from "./question.ts";

/**
 * The status of a turn, as its agent reported it:
 * - `asked`: nothing is reported yet
 * - `pending`: the agent's next call must store the turn
 * - `acknowledged`: the turn is stored
 * - `unsure`: the turn is stored once or not at all, and the agent promised neither
 * - `void`: no part of the turn may ever be stored
 */
type TurnStatus = "asked" | "pending" | "acknowledged" | "unsure" | "void";

/** A turn of an agent, from its question onwards. */
export interface TurnRecord {
  readonly agent: string;
  readonly question: Question;
  status: TurnStatus;
  /** Its messages, as in the first attempt to store them. */
  messages: readonly Message[];
  /** Whether the agent has seen text of the model. */
  hasSpoken: boolean;
  /** The fault of its last call of the model. */
  modelFault: ModelFault;
  /** The state of the store when the question was asked, or when the agent's previous call ended, if that was later. */
  askedAt: number;
  acknowledgedAt: number;
  /** Whether its agent has had an answer of the store that shows that the turn was stored. */
  isConfirmed: boolean;
  /** The state at which its own agent deleted the memory while the turn was pending. */
  doomedAt: number;
  /** The states of the store from which and until which the turn was there; `null` if it is still there. */
  stays: { from: number; until: number | null }[];
}

export function newTurn(agent: string, question: Question, askedAt: number): TurnRecord {
  return {
    agent,
    question,
    status: "asked",
    messages: [],
    hasSpoken: false,
    modelFault: "none",
    askedAt,
    acknowledgedAt: Number.POSITIVE_INFINITY,
    isConfirmed: false,
    doomedAt: Number.POSITIVE_INFINITY,
    stays: [],
  };
}

export function isThere({ stays }: TurnRecord): boolean {
  return stays.at(-1)?.until === null;
}

/** Whether the turn was in the store at some moment since that state. */
export function wasThereSince({ stays }: TurnRecord, state: number): boolean {
  return stays.some(({ until }) => until === null || until > state);
}

/**
 * The problem with the turn's messages, if any. An aborted turn is a part of the whole turn, is marked as aborted, and
 * has a result for each call.
 */
export function contentProblem({ question, messages }: TurnRecord): string | undefined {
  const [asked, ...said] = messages;
  if (asked?.role !== "user") return "the turn does not begin with the question";
  const whole = wholeTurn(question);
  const shown = said.map((message) => show(message));
  const marked = said.filter((message) => message.role === "assistant" && message.status === "aborted");
  if (marked.length === 0) return shown.join() === whole.join() ? undefined : "the turn differs from what was said";
  const last = said.findLast(({ role }) => role === "assistant");
  if (marked.length > 1 || marked[0] !== last) return "a message other than the last answer is marked as aborted";
  return abortedProblem(question, said, whole);
}

/**
 * The problem with an aborted turn, if any. The turn equals the beginning of the whole turn, but its last text may be
 * shorter, and calls may be left out.
 */
function abortedProblem(question: Question, said: readonly Message[], whole: readonly string[]): string | undefined {
  const called = said.flatMap((message) => (message.role === "assistant" ? (message.toolCalls ?? []) : []));
  const answered = said.flatMap((message) => (message.role === "tool" ? [message.toolCallId] : []));
  if (called.length !== answered.length || called.some(({ id }) => !answered.includes(id))) {
    return "a call without its result, or a result without its call";
  }
  const strange = said.find((message) => {
    const text = typeof message.content === "string" ? message.content : "";
    // A tool that obeys the abort fails with its reason.
    if (message.role === "tool" && text === `Error: ${stopText(question)}`) return false;
    return !whole.some((expected) => expected.startsWith(`${message.role}|${text}`));
  });
  return strange === undefined ? undefined : `a message that was never said: ${show(strange)}`;
}

function wholeTurn(question: Question): string[] {
  const rounds = question.rounds.flatMap((_, round) => {
    const calls = callIds(question, round);
    return [
      `assistant|${roundText(question, round) ?? ""}|${calls.join("+")}`,
      ...calls.map((id) => `tool|${resultText(id)}|${id}`),
    ];
  });
  return [...rounds, `assistant|${answerText(question)}|`];
}

function show(message: Message): string {
  const calls = message.role === "assistant" ? (message.toolCalls ?? []).map(({ id }) => id) : [];
  const about = message.role === "tool" ? message.toolCallId : calls.join("+");
  return `${message.role}|${message.content ?? ""}|${about}`;
}
