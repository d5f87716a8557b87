import { supports } from "@deep-agent/core/adapter";
import { equal, rejects } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";

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

  async "records that are not an array"({ backend }) {
    for (const records of [undefined, null, "text", { 0: {} }, 7]) {
      await rejects(
        () => backend.save("m", records as unknown as KitRecord[]),
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
  };
}
