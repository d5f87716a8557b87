import { createInterface } from "node:readline";
import { Agent, MemoryError, openBackend, supports } from "@deep-agent/core";
import { modelFromEnvironment } from "@deep-agent-examples/offline-model";
import { Chat } from "./chat.ts";

const address = process.env["DEEP_AGENT_BACKEND"] || "file:./memories";
const memoryId = process.argv[2] ?? "default";

try {
  await main();
} catch (error) {
  // The message says what is wrong with the configuration, and what to do about it.
  if (!MemoryError.is(error)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const backend = await openBackend(address);
  const { model, ...server } = await modelFromEnvironment({ wordMs: 15 });
  try {
    const agent = Agent.openAI(model, { apiKey: server.apiKey, baseURL: server.baseURL })
      .withSystem("You are talking in a terminal. Answer briefly, in plain text.")
      .withLongMemory(memoryId)
      .usingBackend(backend);
    console.log(`Model ${model}, memory ${JSON.stringify(memoryId)}. /help tells the commands.`);
    const terminal = process.stdin.isTTY === true;
    const lines = createInterface({ input: process.stdin, output: process.stdout, terminal, prompt: "> " });
    const chat = new Chat(agent, memoryId, (text) => process.stdout.write(text));
    // On a terminal, readline gets Ctrl-C. Without one, Ctrl-C arrives as a signal.
    for (const source of [lines, process]) source.on("SIGINT", () => interrupt(chat, () => lines.close()));
    let open = true;
    lines.on("close", () => {
      open = false;
    });
    lines.prompt();
    for await (const line of lines) {
      if (!(await chat.receive(line))) break;
      // Lines that were typed ahead are still handled after the end of the input.
      if (open) lines.prompt();
    }
    lines.close();
  } finally {
    await server[Symbol.asyncDispose]();
    if (supports(backend, "lifecycle")) await backend.close();
  }
}

/** Ctrl-C stops the reply in progress. Without a reply, or while a stopped one is being stored, it ends the program. */
function interrupt(chat: Chat, leave: () => void): void {
  switch (chat.stop()) {
    case "idle":
      leave();
      break;
    case "stopping":
      process.exit(130);
  }
}
