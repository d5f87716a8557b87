import type { Message } from "@deep-agent/core";
import type { ModelFault } from "./model-server.ts";
import { answerText, callIds, type Question, resultText, roundText, stopText } from "./question.ts";

/**
 * What has become of a turn, as its agent was told:
 * - `asked`: nothing yet
 * - `pending`: it is to be stored by what the agent does next
 * - `acknowledged`: it is stored
 * - `unsure`: it is stored once or not at all; nobody was promised either
 * - `void`: nothing of it is to be stored, ever
 */
type TurnStatus = "asked" | "pending" | "acknowledged" | "unsure" | "void";

/** A turn of an agent, from its question on. */
export interface TurnRecord {
  readonly agent: string;
  readonly question: Question;
  status: TurnStatus;
  /** Its messages, as they were first on their way to the store. */
  messages: readonly Message[];
  /** Whether the agent has seen text of the model. */
  hasSpoken: boolean;
  /** Of its last call of the model. */
  modelFault: ModelFault;
  /** The state of the store when it was asked, or when the agent was last busy with something else. */
  askedAt: number;
  acknowledgedAt: number;
  /** Whether its agent has had an answer of the store from which it can tell that the turn was stored. */
  isConfirmed: boolean;
  /** Its memory was deleted by its own agent while it was pending. */
  doomedAt: number;
  /** From which state of the store on it was there, and until which; `null`: to this day. */
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

/** Whether it was in the store at some moment from that state on. */
export function wasThereSince({ stays }: TurnRecord, state: number): boolean {
  return stays.some(({ until }) => until === null || until > state);
}

/** What is wrong with the turn's messages; an aborted one is a part of the whole, marked so, with each call answered. */
export function contentProblem({ question, messages }: TurnRecord): string | undefined {
  const [asked, ...said] = messages;
  if (asked?.role !== "user") return "it does not begin with the question";
  const whole = wholeTurn(question);
  const shown = said.map((message) => show(message));
  const marked = said.filter((message) => message.role === "assistant" && message.status === "aborted");
  if (marked.length === 0) return shown.join() === whole.join() ? undefined : "it is not all that was said";
  const last = said.findLast(({ role }) => role === "assistant");
  if (marked.length > 1 || marked[0] !== last) return "another than the last answer is marked as aborted";
  return abortedProblem(question, said, whole);
}

/** A part: as far as it goes the same, but for the last text, which may be shorter, and calls that were left out. */
function abortedProblem(question: Question, said: readonly Message[], whole: readonly string[]): string | undefined {
  const called = said.flatMap((message) => (message.role === "assistant" ? (message.toolCalls ?? []) : []));
  const answered = said.flatMap((message) => (message.role === "tool" ? [message.toolCallId] : []));
  if (called.length !== answered.length || called.some(({ id }) => !answered.includes(id))) {
    return "a call without its result, or a result without its call";
  }
  const strange = said.find((message) => {
    const text = typeof message.content === "string" ? message.content : "";
    // A tool that heeds the abort answers with it.
    if (message.role === "tool" && text === `Error: ${stopText(question)}`) return false;
    return !whole.some((expected) => expected.startsWith(`${message.role}|${text}`));
  });
  return strange === undefined ? undefined : `a message that nobody wrote: ${show(strange)}`;
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
