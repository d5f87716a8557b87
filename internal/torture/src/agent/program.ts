import type { AbortPolicy, ConflictPolicy } from "@deep-agent/core";
import type { Random } from "../random.ts";
import { drawQuestion, type Question } from "./question.ts";
import type { StoreKind } from "./stores.ts";

/**
 * The next action of an agent. `abortAfter`: after how many events the call is aborted; `null` if it is not aborted.
 */
export type AgentStep =
  | { do: "ask"; question: Question; how: "ask" | "stream" | "leave"; abortAfter: number | null; waits: boolean }
  | { do: "save"; abortAfter: number | null }
  | { do: "delete" | "load" | "clear" | "restart" };

export interface AgentPlan {
  name: string;
  maxHistory: number;
  onAbort: AbortPolicy;
  onConflict: ConflictPolicy;
  autoSave: boolean;
  steps: readonly AgentStep[];
}

/** The actions of another program, or of the store's operator, on the memory. */
export type OutsiderStep = (typeof steps)[number];

const steps = [
  "append",
  "save some",
  "save some",
  "save another log",
  "remember",
  "save what it remembers",
  "delete",
  "expire",
  "roll back",
] as const;

export interface Program {
  store: StoreKind;
  agents: readonly AgentPlan[];
  outsider: readonly OutsiderStep[];
}

const names = ["A", "B", "C"];

export function drawProgram(random: Random, kinds: readonly StoreKind[]): Program {
  const store = random.pick(kinds);
  const agents = names.slice(0, 1 + random.below(3)).map((name) => drawAgent(random, name));
  // In half of the programs whose store can be rolled back, nothing else happens to the memory: other actions would
  // hide
  // most losses.
  const rolls = (store === "rolling" || store === "file") && random.chance(0.5);
  const outsider = Array.from({ length: random.below(7) }, () =>
    rolls ? random.pick(["append", "roll back"] as const) : random.pick(steps),
  );
  return { store, agents, outsider };
}

function drawAgent(random: Random, name: string): AgentPlan {
  const plan = {
    name,
    maxHistory: random.pick([2, 4, 7, 20, Number.POSITIVE_INFINITY]),
    onAbort: random.chance(0.7) ? "keep" : "discard",
    onConflict: random.chance(0.85) ? "append" : "throw",
    autoSave: random.chance(0.85),
  } as const;
  const drawn = Array.from({ length: 2 + random.below(5) }, (_, index) => drawStep(random, `${name}${index + 1}`));
  return { ...plan, steps: drawn };
}

function drawStep(random: Random, tag: string): AgentStep {
  const abortAfter = random.chance(0.25) ? random.below(12) : null;
  const kind = random.below(100);
  if (kind < 76) {
    const how = random.pick(["ask", "stream", "leave"] as const);
    return { do: "ask", question: drawQuestion(random, tag), how, abortAfter, waits: random.chance(0.8) };
  }
  if (kind < 86) return { do: "save", abortAfter };
  return { do: random.pick(["delete", "load", "clear", "restart"] as const) };
}

/** The program as text: one line for each participant. */
export function describeProgram({ store, agents, outsider }: Program): string[] {
  return [
    `store: ${store}`,
    ...agents.map(({ name, steps: todo, ...plan }) => {
      const options = `maxHistory ${plan.maxHistory}, onAbort ${plan.onAbort}, onConflict ${plan.onConflict}`;
      return `agent ${name} (${options}, autoSave ${plan.autoSave}): ${todo.map(describeStep).join("; ")}`;
    }),
    `outsider: ${outsider.join("; ") || "nothing"}`,
  ];
}

function describeStep(step: AgentStep): string {
  if (step.do !== "ask") return step.do + abortText("abortAfter" in step ? step.abortAfter : null);
  const { question, how, abortAfter, waits } = step;
  const rounds = question.rounds.map(({ calls, speaks }) => `${calls} calls${speaks ? " with text" : ""}`);
  const tools = rounds.length === 0 ? "" : ` with ${rounds.join(" and ")}`;
  const manner = how === "leave" ? "stream, and leave," : how;
  return `${manner} ${question.tag}${tools}${abortText(abortAfter)}${waits ? "" : " without waiting"}`;
}

function abortText(after: number | null): string {
  return after === null ? "" : `, aborted after ${after}`;
}
