import { Agent, type ChatModel, type ModelRequest } from "@deep-agent/core";
import { FileBackend } from "../../src/index.ts";
import { nextLine, say } from "../support/lines.ts";

/** An agent that asks each line that it gets, and says what its model was sent, in JSON. */
export interface AgentWorkerOptions {
  directory: string;
  memoryId: string;
}

const { directory, memoryId } = JSON.parse(process.argv[2] ?? "") as AgentWorkerOptions; // the test's own
let sent: unknown[] = [];
const model: ChatModel = {
  async *generate({ messages }: ModelRequest) {
    sent = messages.map(({ content }) => content);
    yield { type: "text", text: `re: ${String(sent.at(-1))}` };
    yield { type: "finish" };
  },
};
const agent = new Agent({ model, backend: new FileBackend(directory), longMemory: memoryId, maxHistory: 1000 });
say("ready");
for (let text = await nextLine(); text !== null; text = await nextLine()) {
  await agent.ask(text);
  say(JSON.stringify(sent));
}
