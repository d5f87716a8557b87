import type { Message } from "@deep-agent/core";

/** Where a contender keeps what it is given. */
export interface Place {
  /** `"redis://127.0.0.1:port"`. */
  redis: string;
  /** A folder of its own. */
  directory: string;
}

/** Half a turn is the user's message, the other half the reply. */
export type Turn = readonly Message[];

/**
 * One way to store conversations. What it cannot do it does not have; each method stands for what an application would call, and resolves
 * when that would.
 */
export interface Contender {
  /** Makes an absent conversation of these messages, as its turns would have left it: by whatever way is fastest. */
  fill(conversation: string, messages: readonly Message[]): Promise<void>;
  /** Loads what the next call of a model needs, the newest 20 messages, then stores the turn, as a process does that has just started. */
  turn?(conversation: string, turn: Turn): Promise<unknown>;
  /** Stores a turn, and reads nothing. */
  append?(conversation: string, turn: Turn): Promise<unknown>;
  /** Loads the newest 20 messages. */
  window?(conversation: string): Promise<readonly unknown[]>;
  /** Loads all messages. */
  load?(conversation: string): Promise<readonly unknown[]>;
  /** Answers, as fast as the store can. */
  ping?(): Promise<unknown>;
  /** The ids of all its conversations. */
  list?(): Promise<readonly unknown[]>;
  /** The newest 20 conversations. */
  recent?(): Promise<readonly unknown[]>;
  /** Forgets a conversation. */
  drop(conversation: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** What can be measured of it. */
export type Work = "turn" | "append" | "window" | "load" | "ping" | "list" | "recent";

export const WINDOW = 20;
