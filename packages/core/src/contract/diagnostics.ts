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
  ms: {
    /** Waiting for earlier asks of the agent. */
    queued: number;
    /** In the backend before the model was called. */
    load: number;
    /** In the model and its tools. */
    model: number;
    /** In the backend after the model had answered. */
    save: number;
  };
  /** Why the turn failed, without text of the conversation. Absent: the turn succeeded. */
  error?: unknown;
}

/** What `deep-agent:backend` publishes. No event holds a secret or the text of a message. */
export type BackendEvent =
  /** A conversation's call to its backend has ended. */
  | {
      /** The kind of event. */
      type: "call";
      /** The name of the backend. */
      backend: string;
      /** `"append"`, `"read"` or `"delete"`. */
      method: string;
      /** The id of the memory. */
      memoryId: string;
      /** How long the call took, in milliseconds. */
      ms: number;
      /** Why the call failed, without text of the conversation. Absent: it succeeded. */
      error?: unknown;
    }
  /** The store lost turns that it had acknowledged. */
  | {
      /** The kind of event. */
      type: "regressed";
      /** The name of the backend. */
      backend: string;
      /** The id of the memory. */
      memoryId: string;
    }
  /** Something in the store was skipped, recovered or dropped, or a handler failed. */
  | {
      /** The kind of event. */
      type: "warning";
      /** The name of the backend. */
      backend: string;
      /** The id of the memory. Absent: the warning is not about a single memory. */
      memoryId?: string;
      /** What happened, without secrets and message text. */
      detail: string;
    };

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
