import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { entryOf, type Name, names } from "../contenders/catalogue.ts";
import { messagesOf } from "../contenders/messages.ts";
import type { Plan } from "../plan.ts";
import { Stage } from "../stage.ts";

/** What conversations take where they are kept. */
export interface Size {
  name: Name;
  /** Messages of a conversation. */
  length: number;
  /** Bytes of one conversation: in the memory of Redis, all told, or in files. */
  bytes: number;
  /** Bytes of its messages as JSON. */
  json: number;
}

/** A conversation of one turn shows what each costs, the longer one what each message does. */
const lengths = [2, 100, 1_000] as const;

const FIRST = 3;

/** What stat(2) counts of a disk: bytes. */
const BLOCK = 512;

/** Each on a server of its own, of whose memory nothing else is a part; at the same time, since nothing is timed. */
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
  if (child === undefined) return sizes; // it cannot be opened here, as the turns have said
  for (const length of lengths) {
    const fill = (number: number): Promise<void> => child.fill(`${length}-${number}`, length);
    // What connections take, which the first ones open, is not counted.
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
