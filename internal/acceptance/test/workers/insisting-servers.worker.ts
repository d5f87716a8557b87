import { Agent, defineTool, OpenAIModel } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";

/*
 * Goes on with a conversation that is stored in files, for some turns with tools. Reports each reply, one line of JSON
 * for each.
 */

/** The argument of the program, as JSON. */
export interface Conversing {
  baseURL: string;
  model: string;
  options: object;
  directory: string;
  /** The number of the first turn, and of the last. */
  from: number;
  to: number;
}

export interface Said {
  text: string;
  reasoning: string;
  calls: number;
  finishReason: string | null;
  /** How many messages of the history the model was sent. */
  known: number;
}

const { baseURL, model, options, directory, from, to } = JSON.parse(process.argv[2] ?? "") as Conversing;

const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const weather = defineTool({
  name: "weather",
  description: "The weather in a city",
  // As schema libraries write it.
  jsonSchema: { $schema: "https://json-schema.org/draft/2020-12/schema", ...city },
  execute: (args) => `${(args as { city: string }).city}: 21°`,
});
const clock = defineTool({ name: "clock", execute: () => ({ time: "12:00" }) });

const backend = new FileBackend({ directory });
const ai = new Agent({ model: new OpenAIModel(model, { apiKey: "none", baseURL, maxRetries: 0, ...options }) })
  .withLongMemory("user-alice")
  .usingBackend(backend)
  .withMaxHistory(1000)
  .withTool(weather)
  .withTool(clock);

await ai.loadLongMemory();
for (let turn = from; turn <= to; turn++) {
  const known = ai.getHistory().length;
  const { text, reasoning, toolCalls, finishReason } = await ai.stream(`Question ${turn} 🙂`).reply;
  const said: Said = { text, reasoning, calls: toolCalls.length, finishReason, known };
  console.log(JSON.stringify(said));
}
await backend.close();
