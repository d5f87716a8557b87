import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { entryOf, type Name, names } from "../contenders/catalogue.ts";
import { messagesOf } from "../contenders/messages.ts";
import type { Plan } from "../plan.ts";
import { Stage } from "../stage.ts";

/** How much space conversations take in their store. */
export interface Size {
  name: Name;
  /** Messages of a conversation. */
  length: number;
  /** Bytes of one conversation: everything in the memory of Redis, or files on the disk. */
  bytes: number;
  /** Bytes of its messages as JSON. */
  json: number;
}

/** In messages. A conversation of one turn shows what each conversation costs, longer ones what each message costs. */
const lengths = [2, 100, 1_000] as const;

const FIRST = 3;

/** Bytes in a block, as stat(2) counts them. */
const BLOCK = 512;

/**
 * Each contender has a server of its own, so that nothing else is in its memory. All run at the same time, because
 * nothing is timed.
 */
export async function measureStorage({ storage: { conversations } }: Plan): Promise<Size[]> {
  return (await Promise.all(names.map((name) => sizesOf(name, conversations)))).flat();
}

async function sizesOf(name: Name, conversations: number): Promise<Size[]> {
  const sizes: Size[] = [];
  const { store, isSingle } = entryOf(name);
  if (store === "memory" || isSingle) return sizes;
  await using stage = await Stage.set();
  const folder = await stage.folder(name);
  const child = await stage.child(name, { folder }).catch(() => undefined);
  if (child === undefined) return sizes; // it cannot be opened here, which the report says with the turns
  for (const length of lengths) {
    const fill = (number: number): Promise<void> => child.fill(`${length}-${number}`, length);
    // The first ones open connections, whose memory must not be counted.
    for (let number = 0; number < FIRST; number++) await fill(number);
    const before = await used(stage, folder);
    const count = length === 1_000 ? conversations / 10 : conversations;
    for (let number = FIRST; number < FIRST + count; number++) await fill(number);
    const bytes = ((await used(stage, folder))[store] - before[store]) / count;
    const json = messagesOf(length).reduce((sum, message) => sum + JSON.stringify(message).length, 0);
    sizes.push({ name, length, bytes, json });
  }
  return sizes;
}

async function used({ redis }: Stage, folder: string): Promise<{ redis: number; file: number }> {
  const memory = /used_memory:(\d+)/.exec(String(await redis.command("INFO", "memory")))?.[1];
  const files = await readdir(folder);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).blocks * BLOCK));
  return { redis: Number(memory), file: sizes.reduce((sum, size) => sum + size, 0) };
}
