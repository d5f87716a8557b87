import { Agent, type ChatModel, type ModelRequest } from "@deep-agent/core";
import { FileBackend } from "../../src/index.ts";
import { say, told } from "../support/told.ts";

/** An agent that asks what it is told to, and says what its model was sent for it, in JSON. */
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
for (let text = await told(); text !== null; text = await told()) {
  await agent.ask(text);
  say(JSON.stringify(sent));
}
