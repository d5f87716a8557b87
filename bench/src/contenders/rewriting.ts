import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Message } from "@deep-agent/core";
import { createClient } from "@redis/client";
import { type Contender, type Place, WINDOW } from "./contender.ts";

/** Texts by name: enough to store whole histories. */
interface Texts {
  get(name: string): Promise<string | null>;
  set(name: string, text: string): Promise<unknown>;
  delete(name: string): Promise<unknown>;
  close(): Promise<unknown>;
}

/** Each turn reads and writes the whole history, as in the Go library go-deep-agent, and as without a library. */
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

/** Without a flush: if the machine crashes, the whole history may be lost. */
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
