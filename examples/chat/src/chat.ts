import { type Agent, MemoryError, textOf } from "@deep-agent/core";

/** A conversation in a terminal: it takes lines, and writes answers. */
export class Chat {
  readonly #agent: Agent;
  readonly #write: (text: string) => void;
  #memoryId: string;
  #reply: AbortController | undefined;

  constructor(agent: Agent, memoryId: string, write: (text: string) => void) {
    this.#agent = agent;
    this.#memoryId = memoryId;
    this.#write = write;
  }

  /** Takes a line: a command, or something to say. Resolves after handling it, to whether the chat goes on. */
  async receive(line: string): Promise<boolean> {
    const text = line.trim();
    if (text === "/exit") return false;
    try {
      if (text.startsWith("/")) await this.#obey(text);
      else if (text !== "") await this.#ask(text);
    } catch (error) {
      this.#report(error);
    }
    return true;
  }

  /** Stops the reply in progress, if any. The part that has arrived is kept. */
  stop(): "idle" | "stopped" | "stopping" {
    if (this.#reply === undefined) return "idle";
    if (this.#reply.signal.aborted) return "stopping";
    this.#reply.abort();
    return "stopped";
  }

  async #ask(text: string): Promise<void> {
    this.#reply = new AbortController();
    const { signal } = this.#reply;
    try {
      for await (const piece of this.#agent.stream(text, { signal })) this.#write(piece);
      this.#write("\n");
    } catch (error) {
      if (error !== signal.reason) throw error;
      this.#write(" (stopped)\n");
    } finally {
      this.#reply = undefined;
    }
  }

  async #obey(line: string): Promise<void> {
    const [name = "", ...words] = line.split(/\s+/);
    const argument = words.join(" ");
    switch (name) {
      case "/help":
        return this.#write(help);
      case "/history":
        return this.#history();
      case "/memories":
        return this.#memories();
      case "/switch":
        return this.#switch(argument);
      case "/forget":
        await this.#agent.deleteLongMemory();
        return this.#write(`Memory ${JSON.stringify(this.#memoryId)} is deleted.\n`);
      default:
        return this.#write(`There is no command ${name}. /help shows all commands.\n`);
    }
  }

  async #history(): Promise<void> {
    await this.#agent.loadLongMemory();
    const messages = this.#agent.getHistory();
    for (const message of messages) {
      const mark = message.role === "assistant" && message.status === "aborted" ? " (stopped)" : "";
      this.#write(`${message.role}: ${textOf(message)}${mark}\n`);
    }
    if (messages.length === 0) this.#write("Nothing has been said yet.\n");
  }

  async #memories(): Promise<void> {
    const ids = await this.#agent.listLongMemories();
    for (const id of ids.sort()) this.#write(`${id === this.#memoryId ? "*" : " "} ${JSON.stringify(id)}\n`);
    if (ids.length === 0) this.#write("There are no memories yet.\n");
  }

  #switch(memoryId: string): void {
    if (memoryId === "") {
      this.#write("Name the memory: /switch ID\n");
      return;
    }
    this.#agent.withLongMemory(memoryId);
    this.#memoryId = memoryId;
    this.#write(`This is memory ${JSON.stringify(memoryId)} now.\n`);
  }

  /** Shows an error, whose message says what to do. The chat goes on. */
  #report(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#write(`\nError${MemoryError.is(error) ? ` ${error.code}` : ""}: ${text}\n`);
  }
}

const help = `/history     the latest messages, as the model gets them
/memories    all memories; * marks this one
/switch ID   go on in another memory, or begin it
/forget      delete this memory
/exit        leave; Ctrl-C leaves too, but stops a reply in progress first
`;
