import { Agent } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";

const backend = new FileBackend("./memories");
const ai = Agent.openAI("gpt-4").withShortMemory().withLongMemory("user-alice").usingBackend(backend);
console.log(await ai.ask(process.argv[2] ?? "My favorite color is blue"));
