import { Agent, openBackend } from "@deep-agent/core";

// What each runtime runs. Arguments: the address of a store, then what is said to an agent. It prints the replies.
// The key and the server come from the environment.
const [store = "", ...sentences] = process.argv.slice(2);

const backend = await openBackend(store);
const ai = Agent.openAI("gpt-4").withLongMemory("user-alice").usingBackend(backend);
for (const said of sentences) console.log(await ai.ask(said));
