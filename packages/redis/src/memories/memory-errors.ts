import { MemoryError, quoteId } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import type { ScriptFailure } from "../scripts/reply-parser.ts";
import { CommandRefused, DeadlinePassed } from "../wire/failures.ts";

/** Why a script did not do what it is for. */
export function failureOf(memoryId: string, reply: ScriptFailure): Error {
  switch (reply.what) {
    case "late":
      return new DeadlinePassed();
    case "refused":
      return new CommandRefused(reply.error);
    case "halfway":
      return new CommandRefused(reply.error, "unknown");
    case "foreign":
      return foreign(memoryId, reply.type);
    default:
      return damaged(memoryId, "it is a list, but its header or its last entry is not as this library writes them");
  }
}

export function foreign(memoryId: string, type: string): MemoryError {
  return new MemoryError("CORRUPT", `Memory ${quoteId(memoryId)} is no conversation: its key holds a ${type}.`, {
    backend: BACKEND,
    memoryId,
    hint: "Another program uses this key: use another prefix or id.",
  });
}

export function damaged(memoryId: string, problem: string): MemoryError {
  return new MemoryError("CORRUPT", `The log of memory ${quoteId(memoryId)} is damaged: ${problem}.`, {
    backend: BACKEND,
    memoryId,
    hint: "If another program uses this key, use another prefix or id; if not, restore it from a backup, or delete the memory.",
  });
}

export function tooContended(): MemoryError {
  return new MemoryError(
    "UNAVAILABLE",
    "Cannot list memories: again and again, servers took each other's place meanwhile.",
    {
      backend: BACKEND,
      retryable: true,
      hint: "Try again when the failover or the resharding is over.",
    },
  );
}

export function unknownMaster(): MemoryError {
  const what =
    "a slot is on its way from or to a node of the cluster that cannot be asked, or that the client does not know yet";
  return new MemoryError("UNAVAILABLE", `Cannot list memories: ${what}.`, {
    backend: BACKEND,
    retryable: true,
    hint: "Try again when the slot has arrived, or let the backend connect by itself (`cluster`).",
  });
}
