import { MemoryError, quoteId } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import type { ScriptFailure } from "../scripts/reply-parser.ts";
import { CommandRefused, DeadlinePassed } from "../wire/failures.ts";

/** The error for a script that did not do its work. */
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
      return damaged(memoryId, "its list has a header or last entry that is not in this library's format");
  }
}

export function foreign(memoryId: string, type: string): MemoryError {
  return new MemoryError("CORRUPT", `Memory ${quoteId(memoryId)} is not a conversation: its key holds a ${type}.`, {
    backend: BACKEND,
    memoryId,
    hint: "Another program uses this key: use another prefix or id.",
  });
}

export function damaged(memoryId: string, problem: string): MemoryError {
  return new MemoryError("CORRUPT", `The log of memory ${quoteId(memoryId)} is damaged: ${problem}.`, {
    backend: BACKEND,
    memoryId,
    hint: "If another program uses this key, use another prefix or id. If not, restore the memory from a backup, or delete it.",
  });
}

export function tooContended(): MemoryError {
  return new MemoryError("UNAVAILABLE", "Cannot list memories: the servers kept changing during the scan.", {
    backend: BACKEND,
    retryable: true,
    hint: "Try again after the failover or the resharding.",
  });
}

export function unknownMaster(): MemoryError {
  const what = "a slot is moving from or to a cluster node that is unreachable, or that the client does not know yet";
  return new MemoryError("UNAVAILABLE", `Cannot list memories: ${what}.`, {
    backend: BACKEND,
    retryable: true,
    hint: "Try again after the slot has moved, or let the backend open its own connections (`cluster`).",
  });
}
