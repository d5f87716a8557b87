import type { Conversation } from "./conversation.ts";
import { cleanCause, isError, MemoryError } from "./memory-error.ts";
import { quoteId } from "./memory-id.ts";
import type { Message } from "./message.ts";
import type { Reply } from "./reply.ts";
import type { ShortMemory } from "./short-memory.ts";
import type { WindowLimits } from "./window.ts";

/** Where one turn of an agent comes from and goes to. */
export interface TurnMemory {
  /** `null`: no long memory. */
  readonly memoryId: string | null;
  /** The window, up to date. Rejects where it cannot be had: the model is not called then. */
  load(signal: AbortSignal): Promise<readonly Message[]>;
  /** Keeps the turn. Rejects with `SAVE_FAILED`, which carries the reply. */
  store(turn: readonly Message[], reply: Reply): Promise<void>;
}

/** Nothing is remembered. */
export const noMemory: TurnMemory = {
  memoryId: null,
  load: async () => [],
  store: async () => undefined,
};

/** Turns are remembered in RAM. */
export function inShortMemory(memory: ShortMemory, limits: WindowLimits): TurnMemory {
  return {
    memoryId: null,
    load: async () => memory.messages,
    store: async (turn) => memory.add(turn, limits),
  };
}

/** Turns are remembered in a backend: at once, or (`autoSave: false`) when somebody flushes the conversation. */
export function inConversation(conversation: Conversation, { autoSave }: { autoSave: boolean }): TurnMemory {
  return {
    memoryId: conversation.memoryId,
    load: async (signal) => {
      if (autoSave) await conversation.flush({ signal });
      return conversation.sync({ signal });
    },
    store: async (turn, reply) => {
      try {
        if (autoSave) await conversation.commit(turn);
        else conversation.hold(turn);
      } catch (error) {
        throw saveFailed(conversation, error, reply);
      }
    },
  };
}

function saveFailed({ memoryId, pending }: Conversation, cause: unknown, reply: Reply): MemoryError {
  const kept = pending > 0;
  return new MemoryError(
    "SAVE_FAILED",
    `The model replied, and its turn was not stored in memory ${quoteId(memoryId)}: ${describe(cause)}`,
    {
      memoryId,
      outcome: MemoryError.is(cause) ? cause.outcome : "unknown",
      retryable: kept,
      hint: kept
        ? "The reply is on this error. Do not ask again: the next ask or saveLongMemory() stores the turn."
        : "The reply is on this error. The turn is not kept: it can never be stored as it is.",
      cause: cleanCause(cause),
      reply,
    },
  );
}

/** What a call that stores the turns of several memories rejects with. */
export function savesFailed(causes: readonly unknown[]): MemoryError {
  const known = causes.filter((cause) => MemoryError.is(cause));
  return new MemoryError(
    "SAVE_FAILED",
    `${causes.length === 1 ? "A memory was" : `${causes.length} memories were`} not saved: ${causes.map(describe).join(" ")}`,
    {
      ...(causes.length === 1 && known[0]?.memoryId !== undefined && { memoryId: known[0].memoryId }),
      outcome:
        known.length === causes.length && known.every(({ outcome }) => outcome === "not-applied")
          ? "not-applied"
          : "unknown",
      retryable: true,
      hint: "What is pending stays so: save again.",
      cause: causes.length === 1 ? cleanCause(causes[0]) : new AggregateError(causes.map((cause) => cleanCause(cause))),
    },
  );
}

/** A foreign error may quote what was to be stored, so only our own are quoted. */
function describe(cause: unknown): string {
  if (MemoryError.is(cause)) return cause.message;
  return `the backend failed with ${isError(cause) ? cause.name : "something that is no Error"}.`;
}
