import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Message } from "@deep-agent/core";
import type { AgentInputItem, Session } from "@openai/agents-core";
import { type Contender, type Place, WINDOW } from "./contender.ts";
import { textOf } from "./messages.ts";

/**
 * The SDK has an interface `Session`. Its session on files is an example that is not published: a JSON array for each
 * session, read whole and written whole. This class does the same work.
 */
class FileSession implements Session {
  readonly #id: string;
  readonly #path: string;

  constructor(directory: string, id: string) {
    this.#id = id;
    this.#path = join(directory, `${id}.json`);
  }

  async getSessionId(): Promise<string> {
    return this.#id;
  }

  async getItems(limit?: number): Promise<AgentInputItem[]> {
    const items = await this.#read();
    return limit === undefined ? items : items.slice(-limit);
  }

  async addItems(items: AgentInputItem[]): Promise<void> {
    await this.write([...(await this.#read()), ...items]);
  }

  async popItem(): Promise<AgentInputItem | undefined> {
    const items = await this.#read();
    const item = items.pop();
    await this.write(items);
    return item;
  }

  async clearSession(): Promise<void> {
    await rm(this.#path, { force: true });
  }

  async write(items: AgentInputItem[]): Promise<void> {
    await writeFile(this.#path, JSON.stringify(items));
  }

  async #read(): Promise<AgentInputItem[]> {
    try {
      return JSON.parse(await readFile(this.#path, "utf8")) as AgentInputItem[]; // what `write` was given
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }
}

function converted(message: Message): AgentInputItem {
  const text = textOf(message);
  return message.role === "user"
    ? { type: "message", role: "user", content: text }
    : { type: "message", role: "assistant", status: "completed", content: [{ type: "output_text", text }] };
}

export async function fileSession({ directory }: Place): Promise<Contender> {
  const sessionOf = (id: string): FileSession => new FileSession(directory, id);
  return {
    fill: (id, messages) => sessionOf(id).write(messages.map(converted)),
    async turn(id, turn) {
      const session = sessionOf(id);
      await session.getItems(WINDOW);
      await session.addItems(turn.map(converted));
    },
    append: (id, turn) => sessionOf(id).addItems(turn.map(converted)),
    window: (id) => sessionOf(id).getItems(WINDOW),
    load: (id) => sessionOf(id).getItems(),
    drop: (id) => sessionOf(id).clearSession(),
    close: async () => undefined,
  };
}
