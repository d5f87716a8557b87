import { causeWithoutMessage, isError, MemoryError, type Outcome, withoutHint } from "../contract/memory-error.ts";
import { quoteId } from "../contract/memory-id.ts";
import type { Message } from "../contract/message.ts";
import type { Reply } from "../contract/reply.ts";
import type { Conversation } from "../conversation/conversation.ts";
import type { ConflictPolicy } from "../conversation/turn.ts";
import type { WindowLimits } from "../conversation/window.ts";
import type { ShortMemory } from "./short-memory.ts";

/** Where a turn of an agent loads its window from, and where it is stored. */
export interface TurnTarget {
  /** `null`: no long memory. */
  readonly memoryId: string | null;
  /** The window, up to date. If it cannot be loaded, this rejects and the model is not called. */
  load(signal: AbortSignal): Promise<readonly Message[]>;
  /** Stores the turn. Rejects with `SAVE_FAILED`, which carries the reply. */
  store(turn: readonly Message[], reply: Reply): Promise<void>;
}

/** Where an agent remembers a turn: in a memory of a backend, in RAM, or nowhere (`null`). */
export type TurnPlace =
  | { readonly conversation: Conversation; readonly autoSave: boolean; readonly onConflict: ConflictPolicy }
  | { readonly shortMemory: ShortMemory; readonly limits: WindowLimits }
  | null;

/** The error for a question whose agent does not say where the turn goes. `memoryId`: the agent is stateless, too. */
export function unclearMemory(memoryId: string | undefined): MemoryError {
  if (memoryId === undefined) {
    return new MemoryError(
      "MEMORY_ID_REQUIRED",
      "The agent has a backend, but no memory id: nothing would be stored.",
      {
        hint: "Call withLongMemory(id). If nothing is to be stored, say so: withStateless(), or `stateless: true`.",
      },
    );
  }
  return new MemoryError("INVALID_CONFIG", `The agent is stateless, but has the memory ${quoteId(memoryId)}.`, {
    memoryId,
    hint: "Leave out withLongMemory(id), or call withStateless(false).",
  });
}

/** With `autoSave: false`, turns are stored only when the conversation is flushed. */
export function targetOf(place: TurnPlace): TurnTarget {
  if (place === null) return { memoryId: null, load: async () => [], store: async () => undefined };
  if ("shortMemory" in place) {
    const { shortMemory, limits } = place;
    return {
      memoryId: null,
      load: async () => shortMemory.window(limits),
      store: async (turn) => shortMemory.add(turn),
    };
  }
  const { conversation, autoSave, onConflict } = place;
  return {
    memoryId: conversation.memoryId,
    load: async (signal) => {
      if (autoSave) await conversation.flush({ signal });
      return conversation.sync({ signal });
    },
    store: async (turn, reply) => {
      try {
        if (autoSave) await conversation.commit(turn, { onConflict });
        else conversation.hold(turn, { onConflict });
      } catch (error) {
        throw saveFailed(conversation, error, reply);
      }
    },
  };
}

function saveFailed({ memoryId, pending }: Conversation, cause: unknown, reply: Reply): MemoryError {
  const kept = pending > 0;
  const what = `The model replied, but the turn was not stored in memory ${quoteId(memoryId)}`;
  return new MemoryError("SAVE_FAILED", `${what}: ${describe(cause)}`, {
    memoryId,
    outcome: MemoryError.is(cause) ? cause.outcome : "unknown",
    retryable: kept,
    hint: kept
      ? "The reply is on this error. Do not ask again: the next ask or saveLongMemory() stores the turn."
      : "The reply is on this error. The turn is not kept: it can never be stored as it is.",
    cause: causeWithoutMessage(cause),
    reply,
  });
}

/**
 * The error for a call that stores the turns of several memories. `pending`: whether any of the turns is still pending.
 */
export function savesFailed(causes: readonly unknown[], pending: boolean): MemoryError {
  const known = causes.filter((cause) => MemoryError.is(cause));
  const single = causes.length === 1;
  const what = single ? "A memory was" : `${causes.length} memories were`;
  return new MemoryError("SAVE_FAILED", `${what} not saved: ${causes.map(describe).join(" ")}`, {
    ...(single && known[0]?.memoryId !== undefined && { memoryId: known[0].memoryId }),
    outcome: outcomeOfAll(causes),
    retryable: pending,
    hint: pending ? "Some turns are still pending: save again." : "No turn is pending any more.",
    cause: single ? causeWithoutMessage(causes[0]) : new AggregateError(causes.map(causeWithoutMessage)),
  });
}

/** The outcome that all failures share; `"unknown"` if they differ, or if one of them says none. */
function outcomeOfAll(causes: readonly unknown[]): Outcome {
  const outcomes = new Set(causes.map((cause) => (MemoryError.is(cause) ? cause.outcome : "unknown")));
  const [only = "unknown", ...others] = outcomes;
  return others.length === 0 ? only : "unknown";
}

/** Only the message of a `MemoryError` is quoted: a foreign error may quote the conversation. */
function describe(cause: unknown): string {
  if (MemoryError.is(cause)) return withoutHint(cause);
  return `the backend failed with ${isError(cause) ? cause.name : "a value that is not an Error"}.`;
}
