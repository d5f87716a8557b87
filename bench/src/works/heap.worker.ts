import type { HeapProfiler } from "node:inspector";
import { Session } from "node:inspector/promises";
import { Conversation } from "@deep-agent/core";
import { RedisBackend } from "@deep-agent/redis";
import { WINDOW } from "../contenders/contender.ts";
import { messagesOf, turnOf, turnsOf } from "../contenders/messages.ts";

/* What open conversations keep in this process, and what a turn leaves to the garbage collector. */

export interface HeapJob {
  url: string;
  conversations: number;
  turns: number;
}

/** Bytes. */
export interface Heap {
  conversations: number;
  /** On the heap, for one open conversation with its window. */
  each: number;
  /** On the heap, for the messages of such a window alone, as JSON.parse makes them. */
  messages: number;
  /** Allocated for one turn: opening a conversation, reading it, and storing a turn. */
  turn: number;
  /** Allocated for one turn by a client that only sends RPUSH and reads the window by LRANGE and JSON.parse. */
  bareTurn: number;
}

const AT_ONCE = 64;

/** The profiler looks at one object in this many bytes, on average. */
const SAMPLED = 1_024;

async function measure({ url, conversations, turns }: HeapJob): Promise<Heap> {
  const backend = new RedisBackend(url);
  const messages = messagesOf(WINDOW);
  const ids = Array.from({ length: conversations }, (_, number) => `open-${number}`);
  await inGroups(ids, async (memoryId) => {
    for (const turn of turnsOf(messages)) await backend.append(memoryId, turn);
  });

  const text = JSON.stringify(messages);
  const [parsed, forMessages] = await grown(async () => ids.map(() => JSON.parse(text) as unknown));
  parsed.length = 0;

  const [open, forOpen] = await grown(async () => {
    const open = ids.map((memoryId) => new Conversation({ memoryId, backend, maxMessages: WINDOW }));
    await inGroups(open, (conversation) => conversation.sync());
    return open;
  });

  if (open.length !== conversations) throw new Error("Not all conversations are open.");
  const ours = await allocated(turns, async (number) => {
    const conversation = new Conversation({ memoryId: "open-0", backend, maxMessages: WINDOW });
    await conversation.sync();
    await conversation.commit(turnOf(number));
  });
  await backend.close();

  const { createClient } = await import("@redis/client");
  const client = createClient({ url });
  await client.connect();
  const bare = await allocated(turns, async (number) => {
    const elements = await client.lRange("bare", -WINDOW / 2, -1);
    elements.map((element) => JSON.parse(element) as unknown);
    await client.rPush("bare", JSON.stringify(turnOf(number)));
  });
  await client.close();
  const each = forOpen / conversations;
  return { conversations, each, messages: forMessages / conversations, turn: ours, bareTurn: bare };
}

/** How many bytes the heap has grown by, without what can be collected. */
async function grown<R>(make: () => Promise<R>): Promise<[result: R, bytes: number]> {
  const before = heapUsed();
  const result = await make();
  return [result, heapUsed() - before];
}

/** The bytes that one call allocates, by V8's sampling profiler, which also counts what is collected at once. */
async function allocated(times: number, call: (number: number) => Promise<void>): Promise<number> {
  for (let number = 0; number < times / 4; number++) await call(number); // until it is compiled
  const session = new Session();
  session.connect();
  await session.post("HeapProfiler.startSampling", {
    samplingInterval: SAMPLED,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  for (let number = 0; number < times; number++) await call(number);
  const { profile } = await session.post("HeapProfiler.stopSampling");
  session.disconnect();
  const sizeOf = ({ selfSize, children }: HeapProfiler.SamplingHeapProfileNode): number =>
    children.reduce((sum, child) => sum + sizeOf(child), selfSize);
  return sizeOf(profile.head) / times;
}

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function inGroups<I>(items: readonly I[], work: (item: I) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < items.length; first += AT_ONCE) {
    await Promise.all(items.slice(first, first + AT_ONCE).map(work));
  }
}

process.on("disconnect", () => process.exit());

process.on("message", async (job: HeapJob) => {
  process.send?.(await measure(job), () => process.disconnect());
});
