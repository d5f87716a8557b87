import type { Message } from "@deep-agent/core";

/** Where a contender stores its conversations. */
export interface Place {
  /** `"redis://127.0.0.1:port"`. */
  redis: string;
  /** A folder of its own. */
  directory: string;
}

/** Half a turn is the user's message, the other half the reply. */
export type Turn = readonly Message[];

/**
 * One way to store conversations. A method is absent if the contender cannot do it. Each method stands for a call of an
 * application, and resolves when that call would.
 */
export interface Contender {
  /** Makes a new conversation of these messages, in the state that its turns would leave, in the fastest way. */
  fill(conversation: string, messages: readonly Message[]): Promise<void>;
  /**
   * Loads what the next call of a model needs, the newest 20 messages, then stores the turn. It does both as a process
   * would that has just started.
   */
  turn?(conversation: string, turn: Turn): Promise<unknown>;
  /** Stores a turn without reading. */
  append?(conversation: string, turn: Turn): Promise<unknown>;
  /** Loads the newest 20 messages. */
  window?(conversation: string): Promise<readonly unknown[]>;
  /** Loads all messages. */
  load?(conversation: string): Promise<readonly unknown[]>;
  /** The cheapest request that the store answers. */
  ping?(): Promise<unknown>;
  /** The ids of all its conversations. */
  list?(): Promise<readonly unknown[]>;
  /** The newest 20 conversations. */
  recent?(): Promise<readonly unknown[]>;
  /** Forgets a conversation. */
  drop(conversation: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** The methods of a contender that can be measured. */
export type Work = "turn" | "append" | "window" | "load" | "ping" | "list" | "recent";

export const WINDOW = 20;
