import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, type ChatModel, type MemoryBackend } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { withFallback, withPrefix, withRetry, withTimeout } from "@deep-agent/middleware";

/*
 * Has many conversations, forgets them, and tells what is left of them in the process: one line of JSON for each kind of backend. Run with
 * --expose-gc.
 */

const CONVERSATIONS = 10_000;
const IN_FLIGHT = 1_000;

const model: ChatModel = {
  async *generate({ messages }) {
    yield { type: "text", text: `I was told ${messages.length} things.` };
    yield { type: "finish" };
  },
};

export interface Left {
  backend: string;
  conversations: number;
  inFlight: number;
  /** How much more heap is used than before, in bytes. */
  heap: number;
  /** Listeners of the process, and what keeps it alive, that were not there before. */
  listeners: number;
  resources: string[];
}

const directory = mkdtempSync(join(tmpdir(), "deep-agent-resources-"));
const files = (): FileBackend => new FileBackend({ directory: join(directory, "files"), durability: "os" });
const ram = (): InMemoryBackend => new InMemoryBackend({ maxMemories: 2 * CONVERSATIONS });
const backends: Record<string, () => MemoryBackend> = {
  "in-memory": ram,
  file: files,
  "fallback over retry over timeout over prefix": () =>
    withFallback(withRetry(withTimeout(withPrefix(ram(), "acme"), 60_000)), new InMemoryBackend<object>()),
};

for (const [name, open] of Object.entries(backends)) {
  const backend = open();
  // What is made once is there before.
  await converse(backend, "warm", IN_FLIGHT);
  await forget(backend);
  const before = await state();
  await converse(backend, "user", CONVERSATIONS);
  await forget(backend);
  const after = await state();
  const left: Left = {
    backend: name,
    conversations: CONVERSATIONS,
    inFlight: IN_FLIGHT,
    heap: after.heap - before.heap,
    listeners: after.listeners - before.listeners,
    resources: after.resources.filter((kind) => !before.resources.includes(kind)),
  };
  console.log(JSON.stringify(left));
}
rmSync(directory, { recursive: true });

/** Two asks each, a stream that is given up, and one that is aborted, so many at a time. */
async function converse(backend: MemoryBackend, name: string, count: number): Promise<void> {
  let next = 0;
  const signal = new AbortController().signal;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const ai = new Agent({ model }).withLongMemory(`${name}-${next++}`).usingBackend(backend);
      await ai.ask("one", { signal });
      const stream = ai.stream("two");
      for await (const _text of stream) break;
      await stream.reply.catch(() => undefined); // given up
      await ai.ask("three", { signal: AbortSignal.abort() }).catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

async function forget(backend: MemoryBackend): Promise<void> {
  for (const memoryId of await backend.list()) await backend.delete(memoryId);
}

async function state(): Promise<{ heap: number; listeners: number; resources: string[] }> {
  for (let n = 0; n < 4; n++) {
    globalThis.gc?.();
    // What is weakly held is let go of between two tasks.
    await new Promise(setImmediate);
  }
  const listeners = process.eventNames().reduce((sum, event) => sum + process.listenerCount(event), 0);
  return { heap: process.memoryUsage().heapUsed, listeners, resources: process.getActiveResourcesInfo() };
}
