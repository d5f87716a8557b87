import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { InMemoryBackend } from "../src/index.ts";

const ID = "user-alice";

interface Deep {
  list: { text: string }[];
}

describe("nothing stored is shared with the caller", () => {
  it.each(["append", "save"] as const)("a record changed after %s is not changed in the memory", async (method) => {
    const backend = new InMemoryBackend<Deep>();
    const record = { list: [{ text: "said" }] };
    const records = [record];
    const write = backend[method](ID, records);
    // Before the write is awaited, too.
    record.list[0] = { text: "forged" };
    records.push({ list: [] });
    await write;
    expect(await backend.load(ID)).toEqual([{ list: [{ text: "said" }] }]);
  });

  it("a record changed in an answer is not changed in the memory, nor in another answer", async () => {
    const backend = new InMemoryBackend<Deep>();
    await backend.append(ID, [{ list: [{ text: "said" }] }]);
    const loaded = await backend.load(ID);
    const window = await backend.read(ID, { last: 1 });
    for (const record of [...(loaded ?? []), ...(window?.records ?? [])]) record.list.length = 0;
    loaded?.splice(0);
    expect(await backend.load(ID)).toEqual([{ list: [{ text: "said" }] }]);
    expect((await backend.read(ID))?.records).toEqual([{ list: [{ text: "said" }] }]);
  });

  it("neither the options of a call nor those of the backend are changed", async () => {
    const options = Object.freeze({ ttl: "1h", maxMemories: 5 });
    const backend = new InMemoryBackend<Deep>(options);
    const call = Object.freeze({ operationId: "turn", since: null });
    const revision = await backend.append(ID, Object.freeze([Object.freeze({ list: [] })]), call);
    await backend.read(ID, Object.freeze({ since: revision, last: 1 }));
    await backend.recent(Object.freeze({ limit: 1 }));
    expect(options).toEqual({ ttl: "1h", maxMemories: 5 });
  });
});

describe("what goes in comes out equal", () => {
  it("for any id and any JSON object", async () => {
    const id = fc.string({ unit: "binary", minLength: 1, maxLength: 200 });
    const value = fc.jsonValue().filter((json) => !JSON.stringify(json).includes("__proto__"));
    const key = fc.string({ unit: "binary" }).filter((name) => name !== "__proto__");
    const record = fc.dictionary(key, value);
    await fc.assert(
      fc.asyncProperty(id, fc.array(record, { minLength: 1, maxLength: 5 }), async (memoryId, records) => {
        // JSON makes 0 of -0, so the records must come out as JSON would return them.
        const expected = JSON.parse(JSON.stringify(records));
        const backend = new InMemoryBackend<object>();
        await backend.append(memoryId, records);
        expect(await backend.load(memoryId)).toEqual(expected);
        expect((await backend.read(memoryId))?.records).toEqual(expected);
        expect(await backend.list()).toEqual([memoryId]);
        await backend.save(memoryId, records);
        expect(await backend.load(memoryId)).toEqual(expected);
      }),
    );
  });

  it("and ids that differ in any way are different memories", async () => {
    const backend = new InMemoryBackend<{ id: string }>();
    const ids = ["Alice", "alice", "é", "e\u0301", "a/b", "../a", "__proto__", "constructor", " a", "a", "a\n", "🙂"];
    for (const id of ids) await backend.append(id, [{ id }]);
    for (const id of ids) expect(await backend.load(id)).toEqual([{ id }]);
    expect(new Set(await backend.list())).toEqual(new Set(ids));
  });
});
