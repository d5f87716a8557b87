import { isJsonObject } from "../../contract/json-object.ts";
import type { ProviderMetadata, Usage } from "../../contract/message.ts";
import type { ModelEvent } from "../chat-model.ts";
import { END, WHOLE } from "./answer-chunks.ts";
import { brokeOff, fieldsOf, listAt } from "./answer-fields.ts";
import { DeltaReader } from "./delta-reader.ts";
import { failIfReported } from "./server-errors.ts";

/** Options of {@link eventsOf}. */
export interface StreamOptions {
  /** Who sends the answer: its fields that are not known are kept under this name. */
  source: string;
  /** Whether the end mark ends an answer even if the server gave no `finish_reason`. */
  acceptEndMark: boolean;
}

/** What servers say in lower case of an answer that is not whole. Google's is followed by the reason. */
const cutReasons: readonly string[] = [
  ...["length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length", "context_length_exceeded"],
  ...["model_context_window_exceeded", "content_filter", "content_filtered", "safety", "recitation", "blocklist"],
  ...[
    "prohibited_content",
    "sensitive",
    "guardrail_intervened",
    "spii",
    "language",
    "other",
    "malformed_function_call",
    "unexpected_tool_call",
  ],
  ...["function_call_filter", "insufficient_system_resource", "network_error", "repetition", "refusal"],
  ...["abort", "aborted", "cancelled", "canceled"],
];

/**
 * The events of a streamed completion. Throws if the stream reports an error, cannot be understood, or ends before the
 * server sent a `finish_reason`: the text so far is not an answer.
 */
export async function* eventsOf(
  chunks: AsyncIterable<unknown>,
  { source, acceptEndMark }: StreamOptions,
): AsyncGenerator<ModelEvent, void, undefined> {
  const reader = new DeltaReader(source);
  let finishReason: string | undefined;
  let usage: Usage | undefined;
  let end: unknown;
  for await (const value of chunks) {
    if (value === END || value === WHOLE) end = value;
    for (const chunk of value === end ? [] : listAt({ path: "", value })) {
      const fields = fieldsOf({ ...chunk, path: "the event" }) ?? {};
      failIfReported(fields);
      // It is in a final chunk without choices, in the last one with choices, or a running total in each chunk.
      const counted = usageOf(fields["usage"]);
      if (counted !== undefined && (usage === undefined || counted.totalTokens > 0)) usage = counted;
      for (const choice of listAt({ path: "choices", value: fields["choices"] })) {
        const { index, delta, message, finish_reason: reason } = fieldsOf(choice) ?? {};
        if ((index ?? 0) !== 0) continue;
        yield* reader.read({ path: `${choice.path}.delta`, value: delta });
        yield* reader.readMessage({ path: `${choice.path}.message`, value: message });
        // Some servers write the word for a reason that is not there yet.
        if (typeof reason === "string" && reason !== "" && reason !== "null") finishReason = reason;
      }
    }
  }
  const isWhole = reader.hasRead && (end === WHOLE || (end === END && acceptEndMark));
  if (finishReason === undefined && !isWhole) throw unfinished(end === END);
  if (finishReason === "error") {
    throw brokeOff("its `finish_reason` is `error`: the server failed");
  }
  const incomplete =
    finishReason !== undefined && cutReasons.includes(finishReason.toLowerCase().replace(/:.*$/s, "").trim());
  const calls = incomplete ? reader.partialCalls() : reader.calls();
  for (const call of calls) yield { type: "tool-call", call };
  const providerMetadata: ProviderMetadata | undefined = reader.metadata(calls.length > 0);
  yield { type: "finish", usage, finishReason, ...(incomplete && { incomplete }), providerMetadata };
}

function unfinished(hasEnded: boolean): Error {
  const hint = hasEnded
    ? "Nothing was stored. If this server never sends one, set the option `acceptEndMark: true`."
    : "Nothing was stored; ask again.";
  return brokeOff("its stream ended without a `finish_reason`", hint);
}

/** Usage is only information: one that is not understood is left out. */
function usageOf(value: unknown): Usage | undefined {
  if (!isJsonObject(value)) return undefined;
  const [promptTokens, completionTokens] = [value["prompt_tokens"] ?? 0, value["completion_tokens"] ?? 0];
  if (typeof promptTokens !== "number" || typeof completionTokens !== "number") return undefined;
  const { total_tokens: total } = value;
  return {
    promptTokens,
    completionTokens,
    totalTokens: typeof total === "number" ? total : promptTokens + completionTokens,
  };
}
