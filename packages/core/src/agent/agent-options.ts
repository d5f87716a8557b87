import type { MemoryBackend } from "../contract/backend.ts";
import type { ChatModel } from "../model/chat-model.ts";
import type { Regression } from "../conversation/conversation.ts";
import { MemoryError } from "../contract/memory-error.ts";
import type { Tool } from "./tool.ts";
import type { ConflictPolicy } from "../conversation/turn.ts";
import type { WindowLimits } from "../conversation/window.ts";

/** What is done with a turn that is aborted: keep the question and the text that had come, or nothing. */
export type AbortPolicy = "keep" | "discard";

/** What an agent is made of. Each option is also a method of {@link Agent}, and means the same there. */
export interface AgentOptions {
  model: ChatModel;
  /** The system prompt: sent before every window, never stored, never trimmed. `withSystem`. */
  system?: string | undefined;
  /** Remember in RAM. Default `false`; `longMemory` implies it. `withShortMemory`. */
  shortMemory?: boolean | undefined;
  /** The id of the memory to remember in, across processes. Needs a `backend`. `withLongMemory`. */
  longMemory?: string | undefined;
  /** The store. The agent does not close it. `usingBackend`. */
  backend?: MemoryBackend | undefined;
  /** Store each turn before `ask` resolves. Default `true`; otherwise `saveLongMemory()` does. `withAutoSaveLongMemory`. */
  autoSaveLongMemory?: boolean | undefined;
  /** How many messages of the history the model is sent at most. The store keeps all. Default 20. `withMaxHistory`. */
  maxHistory?: number | undefined;
  /** How many tokens of history the model is sent at most. Default: as many as there are. `withMaxTokens`. */
  maxTokens?: number | undefined;
  /** The tokens of a message, for `maxTokens`. Default: a quarter of the characters of its JSON. `withMaxTokens`. */
  countTokens?: WindowLimits["countTokens"];
  /** `withTool`. */
  tools?: readonly Tool[] | undefined;
  /** How often in one turn the model may call tools before `TOOL_ROUNDS_EXCEEDED`. Default 10. `withMaxToolRounds`. */
  maxToolRounds?: number | undefined;
  /** Passed to the model with each request: temperature, for one. `withModelOptions`. */
  modelOptions?: Readonly<Record<string, unknown>> | undefined;
  /** Default `"keep"`. `withAbortPolicy`. */
  onAbort?: AbortPolicy | undefined;
  /** Default `"append"`. `withConflictPolicy`. */
  onConflict?: ConflictPolicy | undefined;
  /** Called when the store turns out to have lost turns that it had acknowledged. `withRegressionHandler`. */
  onRegression?: ((regression: Regression) => void) | undefined;
}

const optionNames: ReadonlySet<string> = new Set<keyof AgentOptions>([
  ...(["model", "system", "shortMemory", "longMemory", "backend", "autoSaveLongMemory", "maxHistory"] as const),
  ...(["maxTokens", "countTokens", "tools", "maxToolRounds", "modelOptions"] as const),
  ...(["onAbort", "onConflict", "onRegression"] as const),
]);

/** Throws `INVALID_CONFIG` for an option that an agent does not have: a memory that is misspelt would not be kept. */
export function checkOptionNames(options: object): void {
  const unknown = Object.keys(options ?? {}).find((name) => !optionNames.has(name));
  if (unknown === undefined) return;
  throw new MemoryError("INVALID_CONFIG", `An agent has no option ${JSON.stringify(unknown)}.`, {
    hint: `Its options are ${[...optionNames].join(", ")}.`,
  });
}

/** Throws `INVALID_CONFIG`: `option` must be `expected`. */
export function checkOption(valid: boolean, option: string, expected: string, value: unknown): void {
  if (valid) return;
  const shown = typeof value === "string" ? JSON.stringify(value) : typeof value === "number" ? value : typeof value;
  throw new MemoryError("INVALID_CONFIG", `The agent's ${option} must be ${expected}, not ${shown}.`);
}
