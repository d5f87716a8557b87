import type { Usage } from "../../contract/message.ts";
import type { ModelEvent } from "../chat-model.ts";
import { ToolCallAssembly, type ToolCallDelta } from "./tool-calls.ts";

/** What is read of a chunk of a streamed completion. Servers differ: everything may be absent or null. */
interface Chunk {
  choices?: Choice[] | null;
  usage?: ChunkUsage | null;
  error?: unknown;
}

interface Choice {
  index?: number | null;
  delta?: Delta | null;
  finish_reason?: string | null;
}

interface Delta {
  content?: string | null;
  refusal?: string | null;
  tool_calls?: ToolCallDelta[] | null;
}

interface ChunkUsage {
  prompt_tokens?: number | null;
  completion_tokens?: number | null;
  total_tokens?: number | null;
}

/**
 * The events of a streamed completion. Throws for a stream that reports an error, or that ends before the server gave a
 * `finish_reason`: what came until then is no answer. `"length"` and `"content_filter"` are reasons too.
 */
export async function* eventsOf(chunks: AsyncIterable<unknown>): AsyncGenerator<ModelEvent, void, undefined> {
  const calls = new ToolCallAssembly();
  let finishReason: string | undefined;
  let usage: Usage | undefined;
  for await (const value of chunks) {
    const chunk = (value ?? {}) as Chunk; // what a server sent: all of its properties are optional
    failIfError(chunk);
    // Given in a last chunk without choices, in the last one with them, or as a running total in each.
    usage = usageOf(chunk.usage) ?? usage;
    const choice = chunk.choices?.find(({ index }) => (index ?? 0) === 0);
    const { content, refusal, tool_calls: deltas } = choice?.delta ?? {};
    if (content) yield { type: "text", text: content };
    if (refusal) yield { type: "refusal", text: refusal };
    if (deltas) calls.add(deltas);
    if (choice?.finish_reason) finishReason = choice.finish_reason;
  }
  if (finishReason === undefined) {
    throw new Error("The model's answer broke off: its stream ended without a finish_reason. Ask again.");
  }
  if (finishReason === "error") throw new Error("The model's server reports that the answer failed. Ask again.");
  for (const call of calls.complete()) yield { type: "tool-call", call };
  yield { type: "finish", usage };
}

/** The SDK throws for an `error` of the usual kind by itself; an injected client may not. */
function failIfError({ error }: Chunk): void {
  if (error === undefined || error === null || error === false) return;
  const { message } = error as { message?: unknown };
  const told = typeof error === "string" ? error : typeof message === "string" ? message : "it does not say why";
  throw new Error(`The model's server broke the answer off: ${told}`);
}

function usageOf(usage: ChunkUsage | null | undefined): Usage | undefined {
  if (usage === undefined || usage === null) return undefined;
  const promptTokens = usage.prompt_tokens ?? 0;
  const completionTokens = usage.completion_tokens ?? 0;
  return { promptTokens, completionTokens, totalTokens: usage.total_tokens ?? promptTokens + completionTokens };
}
