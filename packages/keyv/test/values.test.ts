import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Keyv, KeyvSanitize } from "keyv";
import { KeyvBackend } from "../src/index.ts";
import { isMemoryKey, keyOf } from "../src/memory-key.ts";
import { decodeMemory, encodeMemory, idIn } from "../src/memory-value.ts";
import { FaultyStore, type Note, notes } from "./support/stores.ts";

const ID = "alice";
const KEY = "deep-agent.alice";
const HASHED_ID = "Alice";
const HASHED_KEY = keyOf(HASHED_ID);

function setting(isListening: boolean): { store: FaultyStore; keyv: Keyv; backend: KeyvBackend<Note> } {
  const store = new FaultyStore();
  const keyv = new Keyv({ store });
  if (isListening) keyv.on("error", () => {});
  return { store, keyv, backend: new KeyvBackend<Note>(keyv) };
}

describe.each([
  ["a listener", true],
  ["no listener", false],
])(
  "a stored value that is not a memory is CORRUPT, not an empty memory, if the Keyv has %s",
  (_listener, isListening) => {
    it.each<[string, unknown]>([
      ["another string", "canary hello"],
      ["a string in JSON", '"canary hello"'],
      ["null, in JSON", "null"],
      ["a number", "5"],
      ["an empty string", ""],
      ["another program's object", '{"canary":1}'],
      ["half a value", '{"value":"{\\"v\\":1,\\"id\\":\\"ali'],
      ["bytes", Buffer.from("canary")],
    ])("in the store: %s", async (_what, value) => {
      const { store, backend } = setting(isListening);
      store.rows.set(KEY, { value, expires: undefined });
      await expectCorrupt(backend, ID);
      store.rows.set(HASHED_KEY, { value, expires: undefined });
      await expectCorrupt(backend, HASHED_ID);
    });

    it.each<[string, unknown]>([
      ["a text", "canary hello"],
      ["null", null],
      ["a number", 5],
      ["records without a memory", [{ n: 1 }]],
      ["an object that looks like a memory", { v: 1, id: ID, r: [] }],
      ["another memory", encodeMemory("bob", ['{"n":1}'])],
      ["a later version", encodeMemory(ID, []).replace('"v":1', '"v":2')],
      ["invalid records", encodeMemory(ID, ["1"])],
      ["half a memory", encodeMemory(ID, ['{"n":1}']).slice(0, -3)],
      ["a __proto__ key", encodeMemory(ID, ['{"__proto__":{"n":1}}'])],
    ])("in the Keyv: %s", async (_what, value) => {
      const { keyv, backend } = setting(isListening);
      await keyv.set(KEY, value);
      const error: unknown = await backend.load(ID).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "CORRUPT", outcome: "not-applied", retryable: false, memoryId: ID });
      expect(inspect(error)).not.toContain("canary");
    });

    it.each<[string, unknown]>([
      ["a text", "canary hello"],
      ["null", null],
      ["another memory", encodeMemory("bob", [])],
    ])("in the Keyv, when it is listed: %s", async (_what, value) => {
      const { keyv, backend } = setting(isListening);
      await backend.save("carol", notes(0, 1));
      await keyv.set(KEY, value);
      const error: unknown = await backend.list().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "CORRUPT", message: expect.stringContaining(KEY) });
      expect(inspect(error)).not.toContain("canary");
    });
  },
);

/** Checks that reads and `list` reject without quoting the value, and that the value can be replaced and deleted. */
async function expectCorrupt(backend: KeyvBackend<Note>, memoryId: string): Promise<void> {
  for (const [name, call] of [
    [`"${memoryId}"`, () => backend.load(memoryId)],
    [`"${keyOf(memoryId)}"`, () => backend.list()],
  ] as const) {
    const error: unknown = await call().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "CORRUPT", outcome: "not-applied", retryable: false, backend: "keyv" });
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("canary");
    expect(String(error)).toContain(name);
  }
  await backend.save(memoryId, notes(0, 1));
  expect(await backend.load(memoryId)).toEqual(notes(0, 1));
  await backend.delete(memoryId);
  expect(await backend.list()).toEqual([]);
}

describe("a value that Keyv cannot decode is not absent either", () => {
  it("texts in a store, if serialization was turned off later", async () => {
    const { store, backend } = setting(true);
    await backend.save(ID, notes(0, 1));
    const other = new KeyvBackend<Note>(new Keyv({ store, serialization: false }));
    await expect(other.load(ID)).rejects.toMatchObject({
      code: "CORRUPT",
      hint: expect.stringContaining("serialization"),
    });
    expect(await backend.load(ID)).toEqual(notes(0, 1));
  });

  it("a value encrypted with another key", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(new Keyv({ store, encryption: shifting(1) }));
    await backend.save(ID, notes(0, 1));
    expect(await backend.load(ID)).toEqual(notes(0, 1));
    expect(await backend.list()).toEqual([ID]);
    const other = new KeyvBackend<Note>(new Keyv({ store, encryption: shifting(2) }));
    await expect(other.load(ID)).rejects.toMatchObject({
      code: "CORRUPT",
      hint: expect.stringContaining("encryption"),
    });
  });
});

function shifting(by: number): { encrypt(text: string): string; decrypt(text: string): string } {
  const shift = (text: string, by: number): string =>
    [...text].map((character) => String.fromCharCode(character.charCodeAt(0) + by)).join("");
  return { encrypt: (text) => shift(text, by), decrypt: (text) => shift(text, -by) };
}

describe("records come back equal whatever a Keyv does to values", () => {
  const records = [
    { text: ":base64:AAAA", n: 0 },
    { text: ":bigint:1", n: 0 },
    { text: ":", n: -1.5e-7 },
    { text: "\0é\ud800😀", n: 0 },
  ];

  it.each<[string, () => Keyv]>([
    ["with its default serialization", () => new Keyv()],
    ["with no serialization", () => new Keyv({ serialization: false })],
    ["with JSON as the serialization", () => new Keyv({ serialization: JSON })],
    ["with sanitizing", () => new Keyv({ sanitize: { keys: true, namespace: true }, namespace: "a--b;c" })],
    [
      "with compression",
      () =>
        new Keyv({
          compression: {
            compress: async (text: string) => btoa(encodeURIComponent(text)),
            decompress: async (text: string) => decodeURIComponent(atob(text)),
          },
        }),
    ],
  ])("%s", async (_how, open) => {
    const backend = new KeyvBackend<Note>(open());
    const ids = ["a--b", "a;b", "../a", "$a", "{ $a", "a\nb", "ab"];
    await backend.save(ID, records);
    for (const id of ids) await backend.save(id, [{ n: 1, text: id }]);
    expect(await backend.load(ID)).toEqual(records);
    for (const id of ids) expect(await backend.load(id)).toEqual([{ n: 1, text: id }]);
    expect((await backend.list()).sort()).toEqual([ID, ...ids].sort());
  });
});

const anyId = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 300 }),
  fc.stringMatching(/^[a-zA-Z0-9._:=-]{1,200}$/),
);

describe("a key is one that every store accepts and distinguishes from others", () => {
  it("short, printable, and unchanged by Keyv's sanitizing", () => {
    const sanitize = new KeyvSanitize({ keys: true });
    fc.assert(
      fc.property(anyId, (id) => {
        const key = keyOf(id);
        expect(key.length).toBeLessThanOrEqual(120);
        expect(key).toMatch(/^deep-agent\.[a-z0-9._=-]+$/);
        expect(sanitize.cleanKey(key)).toBe(key);
        expect(isMemoryKey(key)).toBe(true);
      }),
    );
  });

  it("another key for another id, even if the store folds case and accents", () => {
    fc.assert(
      fc.property(anyId, anyId, (a, b) => {
        if (a !== b) expect(keyOf(a).toUpperCase()).not.toBe(keyOf(b).toUpperCase());
        if (a !== a.toUpperCase()) expect(keyOf(a.toUpperCase()).toLowerCase()).not.toBe(keyOf(a));
      }),
    );
    expect(keyOf("é")).not.toBe(keyOf("e\u0301"));
    expect(keyOf("a ")).not.toBe(keyOf("a"));
  });

  it("and plain ids can be read in it", () => {
    expect(keyOf("user-42_b.c")).toBe("deep-agent.user-42_b.c");
    for (const id of ["user:42", "A", "a--b", "a.", `=${"0".repeat(64)}`, "a\n", "x".repeat(101)]) {
      expect(keyOf(id)).toMatch(/^deep-agent\.=[0-9a-f]{64}$/);
    }
  });

  it.each([
    "alice",
    "deep-agent.",
    "deep-agent.a::deep-agent.b",
    "deep-agent.=abc",
    "deep-agent.A",
    "xdeep-agent.a",
    "deep-agent.a\n",
  ])("%j is not the key of a memory", (key) => expect(isMemoryKey(key)).toBe(false));
});

describe("a value has its memory's id in it", () => {
  it("whatever the id is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 300 }), (id) => {
        const value = encodeMemory(id, ['{"id":"x","r":[]}']);
        expect(idIn(value)).toBe(id);
        expect(decodeMemory(value, id)).toEqual([{ id: "x", r: [] }]);
      }),
    );
    const longest = "\u0001".repeat(1_024);
    expect(idIn(encodeMemory(longest, []))).toBe(longest);
  });

  it.each<[string, unknown]>([
    ["a number", 5],
    ["an empty text", ""],
    ["a text without an end", '{"v":1,"id":"a'],
    ["a text with a bad escape", '{"v":1,"id":"\\x","r":[]}'],
    ["a text longer than any with an id", `{"v":1,"id":"${"x".repeat(9_000)}","r":[]}`],
  ])("and %s has none", (_what, value) => expect(idIn(value)).toBeUndefined());
});
