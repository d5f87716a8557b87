import { runInNewContext } from "node:vm";
import { assistant, system, tool, user } from "@deep-agent/core";
import { type Message, supports } from "@deep-agent/core/adapter";
import { equal, ok } from "../expectations.ts";
import { type KitRecord, recordsFrom } from "../kit-records.ts";
import type { Stage } from "../stage.ts";
import { type Suite, suite } from "../suite.ts";
import { maxRecordBytes } from "../target.ts";
import { allOfUnicode, edgesOfNumbers, emptyValues, lookalikes, nested, oddKeys } from "./values.ts";

/** Lengths of large texts. Many stores have a limit at one or sixteen mebibytes, or one of 32 bits for a field. */
const LARGE_TEXTS = [1_048_577, 3_000_001, 16_777_217];

/** The deepest nesting that core accepts, counted in objects and arrays: the record itself is one more. */
const GREATEST_DEPTH = 999;

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

  "empty and falsy values, wherever they are": (stage) =>
    expectRoundTrip(stage, [
      ...emptyValues.map((value) => ({ value })),
      ...emptyValues.map((value) => ({ before: 1, value, after: { deep: [{ value, n: 1 }] } })),
      { all: emptyValues, n: 1 },
      ...emptyMessages(),
    ]),

  "the deepest nesting that core accepts": (stage) => expectRoundTrip(stage, [{ e: nested(GREATEST_DEPTH) }]),

  "an object with many keys, and a list with many elements": (stage) =>
    expectRoundTrip(stage, [
      { object: Object.fromEntries(recordsFrom(0, 5_000).map(({ n }) => [`key ${n}`, n])) },
      { list: recordsFrom(0, 5_000).map(({ n }) => n) },
    ]),

  "objects without a prototype, and objects of another realm": (stage) => {
    const foreign = runInNewContext('({ n: 1, deep: { list: [1, { a: "b" }] } })') as KitRecord;
    return expectRoundTrip(stage, [
      Object.assign(Object.create(null) as KitRecord, { n: 2, deep: Object.create(null) as KitRecord }),
      foreign,
      { n: 3, deep: foreign },
    ]);
  },

  "-0, which is 0 to JSON": async ({ backend }) => {
    await backend.save("m", [{ n: -0, list: [-0] }]);
    const [record] = (await backend.load("m")) ?? [];
    ok(record?.["n"] === 0, `-0 comes back as ${String(record?.["n"])}`);
  },

  "records of any kind in one memory, saved again and again": async (stage) => {
    const records = [...messages().map(fieldsOf), ...emptyMessages(), ...emptyValues.map((value) => ({ value }))];
    for (let time = 0; time < 5; time++) await expectRoundTrip(stage, [...records, ...recordsFrom(time)]);
  },

  "several equal records": (stage) => expectRoundTrip(stage, [{ n: 1 }, { n: 1 }, { n: 1 }]),

  // The expensive ones come last.
  "all of Unicode": (stage) =>
    expectRoundTrip(
      stage,
      allOfUnicode().map((text) => ({ text })),
    ),

  "records of common buffer sizes": (stage) =>
    expectRoundTrip(
      stage,
      [255, 256, 4_095, 4_096, 65_534, 65_535, 65_536, 65_537, 524_289].map((size) => ({
        size,
        text: "y".repeat(Math.min(size, longestText(stage))),
      })),
    ),

  "10,000 records": (stage) => expectRoundTrip(stage, recordsFrom(0, 10_000)),

  "records of a megabyte": (stage) => {
    const length = Math.min(1_048_576, longestText(stage));
    // Each of these three characters takes two bytes of JSON.
    const times = Math.min(262_144, Math.floor(longestText(stage) / 6));
    return expectRoundTrip(stage, [{ text: "x".repeat(length) }, { text: 'é\n"'.repeat(times) }]);
  },

  "several large records, beside small ones": async (stage) => {
    const text = endingText(stage, 1_500_000);
    await expectRoundTrip(stage, [{ n: 1 }, { text }, { n: 2 }, { text }, { text: "" }, { text }, { n: 3 }]);
  },

  "more records than 16 bits can count": (stage) => expectRoundTrip(stage, recordsFrom(0, 65_600)),

  "texts of more than a mebibyte": async (stage) => {
    for (const length of LARGE_TEXTS) await expectRoundTrip(stage, [{ text: endingText(stage, length) }]);
  },
});

/** Checks `save` and `load`. If there is a log, also `append`, and every way to read an entry. */
async function expectRoundTrip({ backend }: Stage, records: KitRecord[]): Promise<void> {
  await backend.save("saved", records);
  equal(await backend.load("saved"), records, "load after save");
  if (!supports(backend, "log")) return;
  equal((await backend.read("saved"))?.records, records, "read after save");
  if (records.length === 0) return;
  await backend.save("appended", []);
  const since = (await backend.read("appended"))?.revision;
  await backend.append("appended", records);
  equal(await backend.load("appended"), records, "load after append");
  equal((await backend.read("appended"))?.records, records, "read after append");
  equal((await backend.read("appended", { since }))?.records, records, "read since, after append");
  await backend.append("appended", [{ n: "newest" }]);
  const newest = await backend.read("appended", { last: 1 });
  equal(newest?.records, [{ n: "newest" }], "read of the newest record, after append");
  equal(
    (await backend.read("appended", { last: 1, before: newest?.start ?? "" }))?.records,
    records,
    "read of the page before, after append",
  );
}

/** The longest text that fits into a record of this store. */
function longestText({ target }: Stage): number {
  return maxRecordBytes(target) - 1_024;
}

/** A text of this length, or as long as the store allows, whose end differs from its other parts. */
function endingText(stage: Stage, length: number): string {
  return "é the end".padStart(Math.min(length, longestText(stage)), "x");
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

/** Messages with fields that are empty. */
function emptyMessages(): KitRecord[] {
  return [
    { role: "user", content: "" },
    { role: "user", content: [] },
    { role: "user", content: "x", name: "", metadata: {} },
    { role: "user", content: "x", metadata: { tags: [], notes: null, seen: false, count: 0 } },
    { role: "assistant", content: null, toolCalls: [] },
    { role: "assistant", content: "x", toolCalls: [], refusal: null, usage: {} },
    { role: "tool", toolCallId: "", content: "" },
    { role: "user", content: [{ type: "text", text: "" }] },
  ];
}

function fieldsOf(message: Message): KitRecord {
  return { ...message };
}
