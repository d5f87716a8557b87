import type { Random } from "../random.ts";

/**
 * A question, and everything that the model says in reply. So each part of the torture knows what belongs to the turn.
 */
export interface Question {
  /** Names the turn: `B3` is the third question to agent B. */
  tag: string;
  /** The rounds of tool calls before the answer: how many calls each has, and whether the model also says something. */
  rounds: readonly { calls: number; speaks: boolean }[];
  /** How many words the answer has after its fixed beginning. */
  words: number;
}

export function drawQuestion(random: Random, tag: string): Question {
  const rounds = Array.from({ length: random.chance(0.35) ? 1 + random.below(2) : 0 }, () => ({
    calls: 1 + random.below(3),
    speaks: random.chance(0.4),
  }));
  return { tag, rounds, words: 1 + random.below(4) };
}

export function questionText({ tag }: Question): string {
  return `Question ${tag}.`;
}

/** The tag of a question, from its text; `undefined` if the text is not a question of the torture. */
export function tagOf(text: unknown): string | undefined {
  return typeof text === "string" ? /^Question (\w+)\.$/.exec(text)?.[1] : undefined;
}

export function answerText({ tag, words }: Question): string {
  return `The answer to ${tag}${" word".repeat(words)}.`;
}

/** What the model says while it calls tools; `null` if it says nothing. */
export function roundText({ tag, rounds }: Question, round: number): string | null {
  return rounds[round]?.speaks ? `Looking for ${tag} in round ${round}.` : null;
}

export function callIds({ tag, rounds }: Question, round: number): string[] {
  return Array.from({ length: rounds[round]?.calls ?? 0 }, (_, index) => `call-${tag}-${round}-${index}`);
}

/** The result of a tool call. Every fifth call fails. */
export function resultText(callId: string): string {
  return fails(callId) ? `Error: nothing at ${callId}` : `Found ${callId}`;
}

export function runLook(callId: string): string {
  if (fails(callId)) throw new Error(`nothing at ${callId}`);
  return resultText(callId);
}

function fails(callId: string): boolean {
  return [...callId].reduce((sum, character) => sum + character.charCodeAt(0), 0) % 5 === 0;
}

/** The pieces in which a text is streamed. */
export function piecesOf(text: string): string[] {
  return text.match(/\s*\S+/g) ?? [];
}

/** The message of the reason with which a question is aborted. */
export function stopText({ tag }: Question): string {
  return `Stop ${tag}.`;
}
