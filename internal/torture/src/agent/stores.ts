import { mkdtemp, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MemoryBackend, Message } from "@deep-agent/core";
import type { LogCapability } from "@deep-agent/core/adapter";
import { FileBackend } from "@deep-agent/file";
import { InMemoryBackend } from "@deep-agent/in-memory";
import type { Random } from "../random.ts";
import { RollingLog } from "./rolling-log.ts";

export const memoryId = "torture";

export type StoreKind = "in-memory" | "rolling" | "file" | "plain";

/** A store without faults, and the actions of its operator. */
export interface TestStore extends AsyncDisposable {
  /** The store, with or without the capability "log". */
  backend: MemoryBackend & Partial<LogCapability>;
  /** Lets the memory's TTL pass. Absent: memories never expire. */
  expire?: () => Promise<void>;
  /** Rolls the store back to an earlier state of the same log. Resolves to whether it did. Absent: it cannot. */
  rollBack?: (random: Random) => Promise<boolean>;
  /** Called after each write. */
  written?: () => Promise<void>;
}

export async function openStore(kind: StoreKind): Promise<TestStore> {
  switch (kind) {
    case "in-memory":
      return inMemoryStore((backend) => backend);
    case "plain":
      return inMemoryStore(withoutLog);
    case "rolling":
      return rollingStore();
    case "file":
      return fileStore(await mkdtemp(join(tmpdir(), "deep-agent-torture-")));
  }
}

export function peek({ backend }: TestStore): Promise<Message[] | null> {
  return backend.load(memoryId);
}

function inMemoryStore(view: (backend: InMemoryBackend) => MemoryBackend): TestStore {
  const ttl = 1_000;
  let now = 1_000_000;
  const backend = new InMemoryBackend({ ttl, clock: () => now });
  return {
    backend: view(backend),
    expire: async () => {
      now += 2 * ttl;
    },
    [Symbol.asyncDispose]: () => backend.close(),
  };
}

function withoutLog(backend: InMemoryBackend): MemoryBackend {
  return {
    load: (id, options) => backend.load(id, options),
    save: (id, records, options) => backend.save(id, records, options),
    delete: (id, options) => backend.delete(id, options),
    list: (options) => backend.list(options),
  };
}

function rollingStore(): TestStore {
  const backend = new RollingLog();
  return {
    backend,
    rollBack: async (random) => {
      const losable = backend.losable(memoryId);
      if (losable < 1) return false;
      backend.rollBack(memoryId, 1 + random.below(Math.min(3, losable)));
      return true;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Rolls back by cutting the file to an earlier length. */
function fileStore(directory: string): TestStore {
  const backend = new FileBackend({ directory, durability: "os" });
  let known: { file: string; lengths: number[] } = { file: "", lengths: [] };
  const look = async (): Promise<{ path: string; file: string; length: number } | null> => {
    const [name] = (await readdir(directory)).filter((found) => found.endsWith(".jsonl")).sort(byGeneration);
    if (name === undefined) return null;
    const { ino, size } = await stat(join(directory, name));
    return { path: join(directory, name), file: `${name} ${ino}`, length: size };
  };
  return {
    backend,
    written: async () => {
      const found = await look();
      if (found === null) return;
      if (known.file !== found.file) known = { file: found.file, lengths: [] };
      known.lengths = [...known.lengths.filter((length) => length < found.length), found.length];
    },
    rollBack: async (random) => {
      const found = await look();
      if (found?.file !== known.file || known.lengths.length < 2) return false;
      const earlier = known.lengths.slice(-4, -1);
      await truncate(found.path, random.pick(earlier));
      return true;
    },
    [Symbol.asyncDispose]: async () => {
      await backend.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** The highest generation first. */
function byGeneration(a: string, b: string): number {
  const generation = (name: string): number => Number(name.split(".").at(-2));
  return generation(b) - generation(a);
}
