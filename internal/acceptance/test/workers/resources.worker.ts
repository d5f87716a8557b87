import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, type ChatModel, type MemoryBackend } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { withFallback, withPrefix, withRetry, withTimeout } from "@deep-agent/middleware";

/*
 * Has many conversations, deletes them, and reports what is left of them in the process: one line of JSON for each kind
 * of backend. Run it with --expose-gc.
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
  /** The growth of the used heap, in bytes. */
  heap: number;
  /** New listeners of the process, and new resources that keep it alive. */
  listeners: number;
  resources: string[];
}

const directory = mkdtempSync(join(tmpdir(), "deep-agent-resources-"));
const ram = new InMemoryBackend({ maxMemories: 2 * IN_FLIGHT });
const stack = withFallback(
  withRetry(withTimeout(withPrefix(new InMemoryBackend(), "acme"), 60_000)),
  new InMemoryBackend<object>(),
);

/** The backend of each thousand conversations. Each thousand has a directory, which every first use of a file reads. */
const backends: Record<string, (round: number) => MemoryBackend> = {
  "in-memory": () => ram,
  file: (round) => new FileBackend({ directory: join(directory, String(round)), durability: "os" }),
  "fallback over retry over timeout over prefix": () => stack,
};

for (const [name, backendOf] of Object.entries(backends)) {
  // The first round creates everything that is created only once.
  await converse(backendOf(0));
  const before = await state();
  for (let round = 1; round <= CONVERSATIONS / IN_FLIGHT; round++) await converse(backendOf(round));
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

/** Has a thousand conversations at once: an ask, an abandoned stream and an aborted ask in each. Then deletes them. */
async function converse(backend: MemoryBackend): Promise<void> {
  const { signal } = new AbortController();
  const talk = async (_: unknown, number: number): Promise<void> => {
    const ai = new Agent({ model }).withLongMemory(`user-${number}`).usingBackend(backend);
    await ai.ask("one", { signal });
    const stream = ai.stream("two");
    for await (const _text of stream) break;
    await stream.reply.catch(() => undefined); // the stream was abandoned
    await ai.ask("three", { signal: AbortSignal.abort() }).catch(() => undefined);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, talk));
  for (const memoryId of await backend.list()) await backend.delete(memoryId);
}

async function state(): Promise<{ heap: number; listeners: number; resources: string[] }> {
  for (let n = 0; n < 4; n++) {
    globalThis.gc?.();
    // Weakly held objects are released only between two tasks.
    await new Promise(setImmediate);
  }
  const listeners = process.eventNames().reduce((sum, event) => sum + process.listenerCount(event), 0);
  return { heap: process.memoryUsage().heapUsed, listeners, resources: process.getActiveResourcesInfo() };
}
