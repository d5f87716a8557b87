import { supports } from "@deep-agent/core/adapter";
import { equal, rejects } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";
import { maxRecordBytes } from "../target.ts";
import { wrong } from "../wrong-value.ts";
import { nextMoment } from "./moments.ts";
import { nested } from "./values.ts";

export const refusal: Suite = suite("a record that JSON cannot represent is rejected, and nothing is written", {
  async "by save, to a new memory and over an old one"({ backend }) {
    await backend.save("old", recordsFrom(0));
    for (const [what, record] of Object.entries(invalidRecords())) {
      const records = [...recordsFrom(1), record as KitRecord, ...recordsFrom(2)];
      await rejects(() => backend.save("new", records), "INVALID_RECORD", `save of ${what}`);
      await rejects(() => backend.save("old", records), "INVALID_RECORD", `save of ${what}`);
    }
    equal(await backend.load("new"), null, "load of the new memory after rejected saves");
    equal(numbers(await backend.load("old")), [0], "load of the old memory after rejected saves");
    equal(await backend.list(), ["old"], "list after rejected saves");
  },

  async "by append, to a new memory and to an old one"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    await backend.save("old", recordsFrom(0));
    for (const [what, record] of Object.entries(invalidRecords())) {
      const records = [...recordsFrom(1), record as KitRecord];
      await rejects(() => backend.append("new", records), "INVALID_RECORD", `append of ${what}`);
      await rejects(() => backend.append("old", records), "INVALID_RECORD", `append of ${what}`);
    }
    equal(await backend.load("new"), null, "load of the new memory after rejected appends");
    equal(numbers(await backend.load("old")), [0], "load of the old memory after rejected appends");
  },

  async "wherever the value is in a record, and wherever the record is in a call"({ backend }) {
    await backend.save("old", recordsFrom(0));
    const unfit = (value: unknown): KitRecord[] => [
      { a: value },
      { a: { b: { c: value } } },
      { a: [1, [2, [value]]] },
      { a: 1, z: [{ b: value }] },
    ];
    for (const record of [...unfit(1n), ...unfit(Number.NaN), ...unfit(() => 1), ...unfit(new Date(0))]) {
      for (const place of [0, 500, 1_000]) {
        const records = recordsFrom(0, 1_000);
        records.splice(place, 0, record);
        await rejects(() => backend.save("old", records), "INVALID_RECORD", `save of a bad record at ${place}`);
        if (supports(backend, "log"))
          await rejects(() => backend.append("old", records), "INVALID_RECORD", `append of a bad record at ${place}`);
      }
    }
    equal(numbers(await backend.load("old")), [0], "load after rejected writes");
  },

  async "a write that is rejected changes nothing of what is known about a memory"({ backend }) {
    await backend.save("old", recordsFrom(0));
    const known = async (): Promise<unknown[]> => [
      supports(backend, "log") && (await backend.read("old"))?.revision,
      supports(backend, "info") && { ...(await backend.info("old")), expiresAt: null },
      supports(backend, "catalogue") && (await backend.recent({ limit: 3 })).memories,
    ];
    const before = await known();
    await nextMoment();
    await rejects(() => backend.save("old", [{ n: 1n }]), "INVALID_RECORD", "save of a bigint");
    if (supports(backend, "log")) {
      await rejects(() => backend.append("old", [{ n: 1n }]), "INVALID_RECORD", "append of a bigint");
      const named = { operationId: "op" };
      await rejects(() => backend.append("old", [{ n: 1n }], named), "INVALID_RECORD", "append of a bigint");
      equal(await known(), before, "revision, facts and catalogue after rejected writes");
      await backend.append("old", recordsFrom(1), named);
      equal(numbers(await backend.load("old")), [0, 1], "load after the operation was made with other records");
      return;
    }
    equal(await known(), before, "facts and catalogue after rejected writes");
  },

  async "records that are not an array"({ backend }) {
    for (const records of [undefined, null, "text", { 0: {} }, 7]) {
      await rejects(
        () => backend.save("m", wrong<KitRecord[]>(records)),
        "INVALID_RECORD",
        `save of ${String(records)} as records`,
      );
    }
    equal(await backend.load("m"), null, "load of the new memory after rejected saves");
  },

  async "a __proto__ key changes no prototype"({ backend }) {
    const record = JSON.parse('{"a":{"__proto__":{"polluted":true}}}') as KitRecord;
    await rejects(() => backend.save("m", [record]), "INVALID_RECORD", "save of a __proto__ key");
    equal(({} as { polluted?: unknown }).polluted, undefined, "Object.prototype.polluted");
    equal(await backend.load("m"), null, "load after the rejected save");
  },

  async "a property that is undefined is the same as no property"({ backend }) {
    await backend.save("m", [{ n: 1, gone: undefined }]);
    equal(await backend.load("m"), [{ n: 1 }], "load");
    await backend.save("m", [{ gone: undefined, deep: { list: [{ n: 1, gone: undefined }] } }]);
    equal(await backend.load("m"), [{ deep: { list: [{ n: 1 }] } }], "load of a record with such properties within");
  },

  async "a record that is larger than any that is accepted is RECORD_TOO_LARGE"({ backend, target }) {
    await backend.save("old", recordsFrom(0));
    const records = [...recordsFrom(1), { text: "x".repeat(maxRecordBytes(target)) }];
    const found = [await rejects(() => backend.save("old", records), "RECORD_TOO_LARGE", "save")];
    if (supports(backend, "log"))
      found.push(await rejects(() => backend.append("old", records), "RECORD_TOO_LARGE", "append"));
    for (const { outcome, retryable } of found)
      equal([outcome, retryable], ["not-applied", false], "the outcome, and whether it is retryable");
    equal(numbers(await backend.load("old")), [0], "load of the old memory after rejected writes");
    equal(await backend.list(), ["old"], "list after rejected writes");
  },
});

function invalidRecords(): Record<string, unknown> {
  const cyclic: KitRecord = {};
  cyclic["self"] = cyclic;
  return {
    "a bigint": { n: 1n },
    "a cycle": cyclic,
    NaN: { n: Number.NaN },
    Infinity: { deep: [{ n: Number.POSITIVE_INFINITY }] },
    "a Date": { at: new Date(0) },
    "a Map": { map: new Map([[1, 2]]) },
    "a Set": { set: new Set([1]) },
    "binary data": { data: new Uint8Array([1, 2]) },
    "undefined in an array": { list: [1, undefined] },
    "a hole in an array": { list: new Array<number>(2) },
    "a function": { call: () => 1 },
    "a symbol": { symbol: Symbol("s") },
    "a __proto__ key": JSON.parse('{"__proto__":{"a":1}}'),
    "a record that is a string": "text",
    "a record that is null": null,
    "a record that is an array": [{ n: 1 }],
    "-Infinity": { n: Number.NEGATIVE_INFINITY },
    "an instance of a class": { at: new Place() },
    "a record that is an instance of a class": new Place(),
    "an error": { error: new Error("text") },
    "a regular expression": { pattern: /a/ },
    "a URL": { url: new URL("http://localhost/") },
    "a string object": { text: Object("text") },
    "a number object": { n: Object(1) },
    "a promise": { promise: Promise.resolve(1) },
    "a Buffer": { data: Buffer.from("text") },
    "an ArrayBuffer": { data: new ArrayBuffer(2) },
    "an object with a toJSON method": { money: { toJSON: () => 1 } },
    "a record with a toJSON method": { n: 1, toJSON: () => ({ n: 2 }) },
    "a symbol as a key": { deep: { [Symbol("s")]: 1 } },
    "an array with a named property": { list: Object.assign([1], { total: 1 }) },
    "undefined in an array within an array": { list: [[undefined]] },
    "a cycle through an array": { list: cyclicList() },
    "nesting that is too deep": { e: nested(1_001) },
    "a function as a record": () => ({ n: 1 }),
    "a record that is undefined": undefined,
    "a record that is a number": 7,
  };
}

class Place {
  readonly x = 1;
}

function cyclicList(): unknown[] {
  const list: unknown[] = [1];
  list.push({ list });
  return list;
}
