import { assistant, system, tool, user } from "@deep-agent/core";
import { type Message, supports } from "@deep-agent/core/adapter";
import { equal } from "../expectations.ts";
import type { KitRecord } from "../kit-records.ts";
import { recordsFrom } from "../kit-records.ts";
import type { Stage } from "../stage.ts";
import { type Suite, suite } from "../suite.ts";
import { allOfUnicode, edgesOfNumbers, lookalikes, oddKeys } from "./values.ts";

export const roundTrip: Suite = suite("what went in comes out equal", {
  "every shape of message": (stage) => expectRoundTrip(stage, messages().map(fieldsOf)),

  "unknown fields": (stage) =>
    expectRoundTrip(stage, [
      { role: "user", content: "hi", vendor: { trace: ["a", { b: null }], score: 0.25 }, extra: true },
      { x: 1 },
      {},
    ]),

  "no records, and one record": async (stage) => {
    await expectRoundTrip(stage, []);
    await expectRoundTrip(stage, recordsFrom(0));
  },

  "10,000 records": (stage) => expectRoundTrip(stage, recordsFrom(0, 10_000)),

  "records of a megabyte": (stage) =>
    expectRoundTrip(stage, [{ text: "x".repeat(1_048_576) }, { text: 'é\n"'.repeat(262_144) }]),

  "records of common buffer sizes": (stage) =>
    expectRoundTrip(
      stage,
      [255, 256, 4_095, 4_096, 65_534, 65_535, 65_536, 65_537, 524_289].map((size) => ({
        size,
        text: "y".repeat(size),
      })),
    ),

  "all of Unicode": (stage) =>
    expectRoundTrip(
      stage,
      allOfUnicode().map((text) => ({ text })),
    ),

  "lone surrogates, which JSON can escape": (stage) =>
    expectRoundTrip(stage, [{ text: "a\ud800b" }, { text: "\udfff" }, { text: "\udc00\ud800" }, { "\ud834": 1 }]),

  "numbers at the edges": (stage) =>
    expectRoundTrip(
      stage,
      edgesOfNumbers.map((value) => ({ value })),
    ),

  "texts that look like other values": (stage) =>
    expectRoundTrip(
      stage,
      lookalikes.map((text) => ({ text, list: [text] })),
    ),

  "keys with a special meaning": (stage) =>
    expectRoundTrip(
      stage,
      oddKeys.map((key) => ({ [key]: { [key]: key } })),
    ),

  "nesting, empty parts and null": (stage) =>
    expectRoundTrip(stage, [{ a: [], b: {}, c: null, d: [[], [{}], null, ""], e: nested(200) }]),

  "several equal records": (stage) => expectRoundTrip(stage, [{ n: 1 }, { n: 1 }, { n: 1 }]),
});

/** Checks `save` and `load`, and if there is a log, also `append` and `read`. */
async function expectRoundTrip({ backend }: Stage, records: KitRecord[]): Promise<void> {
  await backend.save("saved", records);
  equal(await backend.load("saved"), records, "load after save");
  if (!supports(backend, "log") || records.length === 0) return;
  await backend.append("appended", records);
  equal(await backend.load("appended"), records, "load after append");
  equal((await backend.read("appended"))?.records, records, "read after append");
}

function messages(): Message[] {
  const call = { id: "call-1", name: "lookup", arguments: '{"city":"Zürich"}' };
  return [
    system("You are a librarian."),
    user("What is this?", { name: "alice", metadata: { tags: ["a", "b"], nested: { deep: [1, null] } } }),
    user([
      { type: "text", text: "Look:" },
      { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=", detail: "low" } },
      { type: "input_audio", input_audio: { data: "UklGRg==", format: "wav" } },
      { type: "file", file: { file_id: "file-1" } },
    ]),
    assistant(null, { toolCalls: [call, { ...call, id: "call-2", arguments: "{ malformed" }] }),
    tool("call-1", "Sunny"),
    tool("call-2", "It failed", { status: "error" }),
    assistant("Here", { usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 }, status: "aborted" }),
    assistant(null, { refusal: "I cannot help with that." }),
    assistant([{ type: "text", text: "In parts" }]),
  ];
}

function fieldsOf(message: Message): KitRecord {
  return { ...message };
}

function nested(depth: number): unknown {
  let value: unknown = "bottom";
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { in: value };
  return value;
}
