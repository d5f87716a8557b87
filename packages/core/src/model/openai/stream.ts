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

/** Of what servers say, the words that an answer which is not whole has in its reason. */
const cutWords: readonly string[] = [
  ...["length", "max_tokens", "max_output_tokens", "max_completion_tokens", "exceeded", "incomplete", "repetition"],
  ...["filter", "filtered", "safety", "recitation", "blocklist", "prohibited", "sensitive", "guardrail", "spii"],
  ...["language", "other", "refusal", "malformed", "unexpected", "insufficient", "network", "timeout"],
  ...["abort", "aborted", "cancelled", "canceled", "interrupted"],
];

/** Whether a reason tells of an answer that was cut. `"stop"` and words that are not known tell of a whole one. */
function isCut(reason: string): boolean {
  const text = reason.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
  return cutWords.some((word) => `_${text}_`.includes(`_${word}_`));
}

/** Some servers write the word for a reason that is not there yet. */
function reasonOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value !== "null" ? value : undefined;
}

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
        const { index, delta, message, text, finish_reason: reason } = fieldsOf(choice) ?? {};
        if (Number(index ?? 0) !== 0) continue;
        yield* reader.read({ path: `${choice.path}.delta`, value: delta });
        yield* reader.readMessage({ path: `${choice.path}.message`, value: message });
        // The older form of a completion.
        if (typeof text === "string") yield* reader.read({ path: choice.path, value: { content: text } });
        // A server may send a reason with each piece. The last one counts, but an answer that was cut stays cut.
        if (finishReason === undefined || !isCut(finishReason)) finishReason = reasonOf(reason) ?? finishReason;
      }
    }
  }
  const isWhole = reader.hasRead && (end === WHOLE || (end === END && acceptEndMark));
  if (finishReason === undefined && !isWhole) throw unfinished(end === END);
  if (finishReason?.toLowerCase() === "error") {
    throw brokeOff("its `finish_reason` is `error`: the server failed");
  }
  const incomplete = finishReason !== undefined && isCut(finishReason);
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
