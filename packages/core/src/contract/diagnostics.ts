import { channel } from "node:diagnostics_channel";
import type { Usage } from "./message.ts";

/** What `deep-agent:ask` publishes when a turn has ended, successfully or not. */
export interface AskEvent {
  /** The id of the long memory. `null`: the turn belongs to no long memory. */
  memoryId: string | null;
  /** How many rounds of tool calls the turn had. */
  toolRounds: number;
  /** The tokens of all model calls of the turn. `null`: the model did not report any. */
  usage: Usage | null;
  /** Milliseconds queued, loading, in the model and its tools, and saving. */
  ms: { queued: number; load: number; model: number; save: number };
  /** Why the turn failed, without text of the conversation. Absent: the turn succeeded. */
  error?: unknown;
}

/**
 * What `deep-agent:backend` publishes: `backend` is the name of the backend, `ms` are milliseconds. No event holds a
 * secret or the text of a message.
 */
export type BackendEvent =
  /** A conversation's call to its backend has ended. `error` is absent if the call succeeded. */
  | { type: "call"; backend: string; method: string; memoryId: string; ms: number; error?: unknown }
  /** The store lost turns that it had acknowledged. */
  | { type: "regressed"; backend: string; memoryId: string }
  /** An adapter skipped, recovered or dropped something in the store, as `detail` says. It may name no memory. */
  | { type: "warning"; backend: string; memoryId?: string; detail: string };

/** `deep-agent:ask` of `node:diagnostics_channel`: one {@link AskEvent} a turn. */
export const askChannel: EventChannel<AskEvent> = channel("deep-agent:ask");

/** `deep-agent:backend` of `node:diagnostics_channel`: {@link BackendEvent}s. */
export const backendChannel: EventChannel<BackendEvent> = channel("deep-agent:backend");

/** A diagnostics channel, as its publishers see it. */
export interface EventChannel<Event> {
  /** Whether the channel has subscribers. If not, an event that is expensive to make can be skipped. */
  readonly hasSubscribers: boolean;
  /** Hands the event to all subscribers, synchronously. */
  publish(event: Event): void;
}
