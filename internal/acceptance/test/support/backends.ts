import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MemoryBackend } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { RedisBackend } from "@deep-agent/redis";
import { startRedis } from "@deep-agent/test-redis";
import { SqliteBackend } from "./sqlite-backend.ts";

/** A store of its own for one test. */
export interface Store {
  backend: MemoryBackend;
  /** A second instance on the same store, as in another process, or the same instance if the store allows only one. */
  another(): MemoryBackend;
  remove(): Promise<void>;
}

async function inMemory(): Promise<Store> {
  const backend = new InMemoryBackend();
  return { backend, another: () => backend, remove: () => backend.close() };
}

/** The adapter of the README, which has only the four methods. */
async function fourMethods(): Promise<Store> {
  const backend = new SqliteBackend(":memory:");
  return { backend, another: () => backend, remove: async () => undefined };
}

async function file(): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), "deep-agent-"));
  const another = () => new FileBackend({ directory });
  return { backend: another(), another, remove: () => rm(directory, { recursive: true }) };
}

async function redis(): Promise<Store> {
  const server = await startRedis();
  const opened: RedisBackend[] = [];
  const another = () => {
    const backend = new RedisBackend(server.addr);
    opened.push(backend);
    return backend;
  };
  return {
    backend: another(),
    another,
    async remove() {
      await Promise.all(opened.map((backend) => backend.close()));
      await server[Symbol.asyncDispose]();
    },
  };
}

export const stores: readonly [name: string, open: () => Promise<Store>][] = [
  ["in-memory", inMemory],
  ["file", file],
  ["redis", redis],
  ["four methods", fourMethods],
];

type Around = (method: string, call: () => Promise<unknown>) => Promise<unknown>;

/** The backend with each of its calls wrapped, to make it fail, delay it or count it. */
export function intercept(backend: MemoryBackend, around: Around): MemoryBackend {
  return new Proxy(backend, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== "function" || typeof property !== "string") return value;
      return (...args: unknown[]) => around(property, () => Reflect.apply(value, target, args));
    },
  });
}

/** Whether a backend stores turns by this method, with a log or without. */
export function storesTurns(method: string): boolean {
  return method === "append" || method === "save";
}
