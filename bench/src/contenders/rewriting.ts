import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Message } from "@deep-agent/core";
import { createClient } from "@redis/client";
import { type Contender, type Place, WINDOW } from "./contender.ts";

/** A text under a name: all that is needed to store a whole history. */
interface Texts {
  get(name: string): Promise<string | null>;
  set(name: string, text: string): Promise<unknown>;
  delete(name: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** What the Go library go-deep-agent does, and what is done without a library: each turn reads the whole history, and writes it. */
function rewriting(texts: Texts): Contender {
  const load = async (conversation: string): Promise<Message[]> => {
    const text = await texts.get(conversation);
    return text === null ? [] : (JSON.parse(text) as Message[]); // what `set` was given
  };
  const turn: NonNullable<Contender["turn"]> = async (conversation, turn) => {
    const messages = await load(conversation);
    await texts.set(conversation, JSON.stringify([...messages, ...turn]));
  };
  return {
    fill: async (conversation, messages) => void (await texts.set(conversation, JSON.stringify(messages))),
    turn,
    append: turn,
    window: async (conversation) => (await load(conversation)).slice(-WINDOW),
    load,
    drop: (conversation) => texts.delete(conversation),
    close: () => texts.close(),
  };
}

export async function bySet({ redis: url }: Place): Promise<Contender> {
  const client = createClient({ url });
  await client.connect();
  const keyOf = (name: string): string => `rewriting:${name}`;
  return rewriting({
    get: (name) => client.get(keyOf(name)),
    set: (name, text) => client.set(keyOf(name), text, { expiration: { type: "EX", value: 604_800 } }),
    delete: (name) => client.unlink(keyOf(name)),
    close: () => client.close(),
  });
}

/** Not even flushed: a crash of the machine may cost the whole history. */
export async function byFile({ directory }: Place): Promise<Contender> {
  const pathOf = (name: string): string => join(directory, `${name}.json`);
  return rewriting({
    async get(name) {
      try {
        return await readFile(pathOf(name), "utf8");
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
        throw error;
      }
    },
    set: (name, text) => writeFile(pathOf(name), text),
    delete: (name) => rm(pathOf(name), { force: true }),
    close: async () => undefined,
  });
}
