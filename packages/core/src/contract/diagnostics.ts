import { channel } from "node:diagnostics_channel";
import type { Usage } from "./message.ts";

/** What `deep-agent:ask` publishes when a turn has ended, well or not. */
export interface AskEvent {
  /** `null`: the turn belongs to no long memory. */
  memoryId: string | null;
  /** How often the tools ran. */
  toolRounds: number;
  usage: Usage | null;
  /** Milliseconds, by part: behind other asks, in the backend before the model, in model and tools, in the backend after. */
  ms: { queued: number; load: number; model: number; save: number };
  /** Absent: the turn succeeded. */
  error?: unknown;
}

/** What `deep-agent:backend` publishes. No event holds a secret or the text of a message. */
export type BackendEvent =
  /** A call of a conversation to its backend has ended. */
  | { type: "call"; backend: string; method: string; memoryId: string; ms: number; error?: unknown }
  /** The store lost turns that it had acknowledged. */
  | { type: "regressed"; backend: string; memoryId: string }
  /** Something in the store was passed over, recovered or dropped, as `detail` says. Published by adapters. */
  | { type: "warning"; backend: string; memoryId?: string; detail: string };

/** `deep-agent:ask` of `node:diagnostics_channel`: one {@link AskEvent} a turn. */
export const askChannel: EventChannel<AskEvent> = channel("deep-agent:ask");

/** `deep-agent:backend` of `node:diagnostics_channel`: {@link BackendEvent}s. */
export const backendChannel: EventChannel<BackendEvent> = channel("deep-agent:backend");

/** A diagnostics channel, as its publishers see it. */
export interface EventChannel<Event> {
  /** Whether anybody listens: where not, an event that costs need not be made. */
  readonly hasSubscribers: boolean;
  publish(event: Event): void;
}
