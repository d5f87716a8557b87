import type { Usage } from "../../contract/message.ts";
import type { ModelEvent } from "../chat-model.ts";
import { ToolCallAssembly, type ToolCallDelta } from "./tool-calls.ts";

/** The fields that are read of a chunk of a streamed completion. Servers differ: any of them may be absent or null. */
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
 * The events of a streamed completion. Throws if the stream reports an error, or ends before the server sent a
 * `finish_reason`: the text so far is not an answer. `"length"` and `"content_filter"` are reasons too.
 */
export async function* eventsOf(chunks: AsyncIterable<unknown>): AsyncGenerator<ModelEvent, void, undefined> {
  const calls = new ToolCallAssembly();
  let finishReason: string | undefined;
  let usage: Usage | undefined;
  for await (const value of chunks) {
    const chunk = (value ?? {}) as Chunk; // sent by a server: all properties are optional
    failIfError(chunk);
    // It is in a final chunk without choices, in the last one with choices, or a running total in each chunk.
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

/** The SDK itself throws for an `error` of the usual kind; an injected client may not. */
function failIfError({ error }: Chunk): void {
  if (error === undefined || error === null || error === false) return;
  const { message } = error as { message?: unknown };
  const reason = typeof error === "string" ? error : typeof message === "string" ? message : "it does not say why";
  throw new Error(`The model's server broke the answer off: ${reason}`);
}

function usageOf(usage: ChunkUsage | null | undefined): Usage | undefined {
  if (usage === undefined || usage === null) return undefined;
  const promptTokens = usage.prompt_tokens ?? 0;
  const completionTokens = usage.completion_tokens ?? 0;
  return { promptTokens, completionTokens, totalTokens: usage.total_tokens ?? promptTokens + completionTokens };
}
