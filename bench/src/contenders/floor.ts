import { closeSync, fsync, ftruncateSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Message } from "@deep-agent/core";
import { createClient } from "@redis/client";
import { Redis } from "ioredis";
import { type Contender, type Place, type Turn, WINDOW } from "./contender.ts";
import { turnsOf } from "./messages.ts";

const WEEK = 604_800_000;
const PUSHED_AT_ONCE = 1_000;

/** A turn as text, in the form and size of this project's own entries. */
const textOf = (turn: Turn): string =>
  JSON.stringify({ t: "LhE4mVvN0gqY7QbXo2sPRw", at: 1_764_156_000_000_000, r: turn });

const turnIn = (text: string): Message[] => (JSON.parse(text) as { r: Message[] }).r; // of textOf

/** The commands that are needed at least to keep turns in a list with a time to live. */
interface Commands {
  push(key: string, texts: string[]): Promise<unknown>;
  /** Sends both commands in one write. */
  pushAndExpire(key: string, text: string): Promise<unknown>;
  range(key: string, from: number): Promise<string[]>;
  unlink(key: string): Promise<unknown>;
  ping(): Promise<unknown>;
  close(): Promise<unknown>;
}

function bare(prefix: string, commands: Commands): Contender {
  const keyOf = (conversation: string): string => `${prefix}:${conversation}`;
  const append = (conversation: string, turn: Turn): Promise<unknown> =>
    commands.pushAndExpire(keyOf(conversation), textOf(turn));
  const newest = async (conversation: string, from: number): Promise<Message[]> =>
    (await commands.range(keyOf(conversation), from)).flatMap(turnIn);
  return {
    async fill(conversation, messages) {
      const turns = turnsOf(messages);
      for (let first = 0; first < turns.length; first += PUSHED_AT_ONCE) {
        await commands.push(keyOf(conversation), turns.slice(first, first + PUSHED_AT_ONCE).map(textOf));
      }
    },
    async turn(conversation, turn) {
      await newest(conversation, -WINDOW / 2);
      await append(conversation, turn);
    },
    append,
    window: (conversation) => newest(conversation, -WINDOW / 2),
    load: (conversation) => newest(conversation, 0),
    ping: () => commands.ping(),
    drop: (conversation) => commands.unlink(keyOf(conversation)),
    close: () => commands.close(),
  };
}

export async function bareNodeRedis({ redis: url }: Place): Promise<Contender> {
  const client = createClient({ url });
  await client.connect();
  return bare("bare-node-redis", {
    push: (key, texts) => client.rPush(key, texts),
    pushAndExpire: (key, text) => Promise.all([client.rPush(key, text), client.pExpire(key, WEEK)]),
    range: (key, from) => client.lRange(key, from, -1),
    unlink: (key) => client.unlink(key),
    ping: () => client.ping(),
    close: () => client.close(),
  });
}

export async function bareIoredis({ redis: url }: Place): Promise<Contender> {
  const client = new Redis(url);
  return bare("bare-ioredis", {
    push: (key, texts) => client.rpush(key, ...texts),
    pushAndExpire: (key, text) => client.pipeline().rpush(key, text).pexpire(key, WEEK).exec(),
    range: (key, from) => client.lrange(key, from, -1),
    unlink: (key) => client.unlink(key),
    ping: () => client.ping(),
    close: () => client.quit(),
  });
}

const flush = promisify(fsync);

/**
 * A turn is one write into an open file and one flush to the disk. What was written before is known without reading
 * it.
 */
export async function writeAndFlush({ directory }: Place): Promise<Contender> {
  const files = new Map<string, number>();
  const fileOf = (conversation: string): number => {
    const file = files.get(conversation) ?? openSync(join(directory, `${conversation}.jsonl`), "a");
    files.set(conversation, file);
    return file;
  };
  const append = async (conversation: string, turn: Turn): Promise<void> => {
    const file = fileOf(conversation);
    writeSync(file, `${textOf(turn)}\n`);
    await flush(file);
  };
  return {
    async fill(conversation, messages) {
      const lines = turnsOf(messages).map((turn) => `${textOf(turn)}\n`);
      writeFileSync(fileOf(conversation), lines.join(""));
    },
    turn: append,
    append,
    async drop(conversation) {
      ftruncateSync(fileOf(conversation));
    },
    async close() {
      for (const file of files.values()) closeSync(file);
    },
  };
}
