import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { BackendEvent } from "@deep-agent/core";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { afterAll, afterEach, beforeAll } from "@jest/globals";
import { RedisBackend, type RedisBackendOptions } from "../../src/index.ts";

/** A record as tests write it. */
export interface Note {
  n: number;
  text?: string;
}

export function notes(from: number, count: number): Note[] {
  return Array.from({ length: count }, (_, index) => ({ n: from + index }));
}

/** The server of a test file. */
export interface TestServer {
  readonly server: RedisServer;
  /** Opens a backend that is closed after the test. Default prefix: a new one for each test. */
  open<T extends object = Note>(options?: RedisBackendOptions): RedisBackend<T>;
  /** The prefix of the running test. */
  readonly prefix: string;
  /** The elements of a memory's list, header first. */
  elements(memoryId: string): Promise<string[]>;
  /** Sends a command to the server. */
  command(...words: string[]): Promise<unknown>;
}

/** Starts a server for the tests of this file. */
export function useServer(args: readonly string[] = []): TestServer {
  let server: RedisServer;
  let number = 0;
  let opened: { close(): Promise<void> }[] = [];
  beforeAll(async () => {
    server = await startRedis({ args });
  });
  afterEach(async () => {
    await Promise.all(opened.map((backend) => backend.close()));
    opened = [];
    number += 1;
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const prefix = (): string => `test-${number}:`;
  return {
    get server() {
      return server;
    },
    get prefix() {
      return prefix();
    },
    open<T extends object = Note>(options: RedisBackendOptions = {}) {
      const backend = new RedisBackend<T>({
        ...(options.url === undefined && { addr: server.addr }),
        prefix: prefix(),
        ...options,
      });
      opened.push(backend);
      return backend;
    },
    elements: async (memoryId) => (await server.command("LRANGE", prefix() + memoryId, "0", "-1")) as string[],
    command: (...words) => server.command(...words),
  };
}

/** The events on the backend channel while `run` runs. */
export async function eventsDuring(run: () => Promise<unknown>): Promise<BackendEvent[]> {
  const events: BackendEvent[] = [];
  // Only this library publishes on its channel.
  const listener = (event: unknown): void => void events.push(event as BackendEvent);
  subscribe("deep-agent:backend", listener);
  try {
    await run();
  } finally {
    unsubscribe("deep-agent:backend", listener);
  }
  return events;
}

/** The reason with which a promise rejects. `what`: its name in the error if it does not reject. */
export async function rejectionOf(promise: Promise<unknown>, what = "It"): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`${what} did not reject.`);
}
