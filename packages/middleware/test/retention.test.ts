import type { Message } from "@deep-agent/core";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { describe, expect, it } from "@jest/globals";
import { enforceRetention, withRetention } from "../src/index.ts";
import { eventsDuring, type Note, notes, rejectionOf, TroubledBackend } from "./support/stores.ts";

const ID = "alice";

/** A turn with a tool call: question, call, result, answer. */
function turn(n: number, createdAt = Date.now()): Message[] {
  const common = { createdAt, metadata: { turn: n } };
  const call = { id: `c${n}`, name: "look", arguments: "{}" };
  return [
    { role: "user", content: `q${n}`, id: `u${n}`, ...common },
    { role: "assistant", content: null, toolCalls: [call], id: `a${n}`, ...common },
    { role: "tool", content: "found", toolCallId: call.id, id: `t${n}`, ...common },
    { role: "assistant", content: `r${n}`, id: `r${n}`, ...common },
  ];
}

describe("a memory with `maxRecords`", () => {
  it("always holds its newest records, and at most a quarter more than the limit", async () => {
    const store = new InMemoryBackend<Note>();
    const backend = withRetention(store, { maxRecords: 20 });
    for (let n = 0; n < 200; n++) {
      await backend.append(ID, notes(n, 1));
      const records = (await store.load(ID)) ?? [];
      expect(records.length).toBeLessThanOrEqual(25);
      expect(records).toEqual(notes(n + 1 - records.length, records.length));
      if (n >= 25) expect(records.length).toBeGreaterThanOrEqual(20);
    }
  });

  it("is cut at the beginning of a turn, so that no call is without its result", async () => {
    const store = new InMemoryBackend<Message>();
    const backend = withRetention(store, { maxRecords: 10 });
    for (let n = 0; n < 30; n++) {
      await backend.append(ID, turn(n));
      const records = (await store.load(ID)) ?? [];
      expect(records[0]).toMatchObject({ role: "user" });
      expect(records.length % 4).toBe(0);
      expect(records.length).toBeLessThanOrEqual(12);
      expect(records.at(-1)).toMatchObject({ id: `r${n}` });
    }
  });

  it("keeps a single turn whole that is longer than the limit", async () => {
    const store = new InMemoryBackend<Message>();
    const backend = withRetention(store, { maxRecords: 2 });
    for (let n = 0; n < 5; n++) await backend.append(ID, turn(n));
    expect(await store.load(ID)).toEqual(turn(4).map((message) => expect.objectContaining({ id: message.id })));
  });

  it("is cut before a save", async () => {
    const store = new InMemoryBackend<Note>();
    await withRetention(store, { maxRecords: 3 }).save(ID, notes(0, 10));
    expect(await store.load(ID)).toEqual(notes(7, 3));
  });

  it("is checked only from time to time, not at every append", async () => {
    const store = new TroubledBackend();
    const backend = withRetention(store, { maxRecords: 100 });
    for (let n = 0; n < 500; n++) await backend.append(ID, notes(n, 1));
    const saves = store.calls.filter((method) => method === "save").length;
    expect(saves).toBeGreaterThan(10);
    expect(store.calls.length - 500).toBeLessThanOrEqual(2 * (500 / 25 + 1));
  });

  it("is cut by one of many writers, and loses nothing that others write", async () => {
    const store = new InMemoryBackend<Note>();
    const writers = Array.from({ length: 8 }, () => withRetention(store, { maxRecords: 50 }));
    await Promise.all(
      writers.map(async (writer, w) => {
        for (let n = 0; n < 40; n++) await writer.append(ID, [{ n: w * 1_000 + n }]);
      }),
    );
    const records = (await store.load(ID)) ?? [];
    expect(records.length).toBeLessThanOrEqual(50 + 8 * 12);
    for (let w = 0; w < 8; w++) {
      const own = records.map(({ n }) => n).filter((n) => Math.floor(n / 1_000) === w);
      // The writer's last records, without a gap.
      expect(own).toEqual(Array.from({ length: own.length }, (_, index) => w * 1_000 + 40 - own.length + index));
    }
  });

  it("stays unchanged if a cut fails; the append succeeds, and a warning reports the failure", async () => {
    const store = new TroubledBackend();
    const backend = withRetention(store, { maxRecords: 4 });
    for (let n = 0; n < 4; n++) await backend.append(ID, notes(n, 1));
    store.fate = (method) => (method === "save" ? "away" : "made");
    const events = await eventsDuring(async () => {
      for (let n = 4; n < 8; n++) await backend.append(ID, notes(n, 1));
    });
    expect(await store.load(ID)).toEqual(notes(0, 8));
    expect(events).toContainEqual(
      expect.objectContaining({ memoryId: ID, detail: expect.stringContaining("UNAVAILABLE") }),
    );
    store.fate = () => "made";
    for (let n = 8; n < 10; n++) await backend.append(ID, notes(n, 1));
    expect((await store.load(ID))?.length).toBeLessThanOrEqual(5);
  });
});

describe("records that are too old", () => {
  const day = 24 * 60 * 60 * 1_000;

  it("are removed, even from memories that nobody writes to", async () => {
    const store = new InMemoryBackend<Message>();
    const now = Date.now();
    for (const [id, ages] of Object.entries({ old: [9, 8], mixed: [9, 3, 1], young: [2, 1] }))
      for (const [n, age] of ages.entries()) await store.append(id, turn(n, now - age * day));
    expect(await enforceRetention(store, { maxAge: "7d" })).toEqual({ memories: 3, cut: 2 });
    const kept = async (id: string) =>
      (await store.load(id))?.map(({ id: messageId }) => messageId).filter((one) => one?.startsWith("u"));
    expect(await kept("old")).toEqual([]);
    expect(await kept("mixed")).toEqual(["u1", "u2"]);
    expect(await kept("young")).toEqual(["u0", "u1"]);
  });

  it("are removed after an append", async () => {
    const store = new InMemoryBackend<Message>();
    await store.append(ID, turn(0, Date.now() - 9 * day));
    await withRetention(store, { maxAge: 7 * day }).append(ID, turn(1));
    expect((await store.load(ID))?.[0]).toMatchObject({ id: "u1" });
  });

  it("are removed with the records before them that have no time", async () => {
    const store = new InMemoryBackend<object>();
    await store.append(ID, [{ note: "no time" }]);
    await store.append(ID, turn(0, Date.now() - 9 * day));
    await store.append(ID, turn(1));
    await enforceRetention(store, { maxAge: "7d" });
    expect((await store.load(ID))?.[0]).toMatchObject({ id: "u1" });
  });

  it("are never records without a time", async () => {
    const store = new InMemoryBackend<Note>();
    await store.append(ID, notes(0, 3));
    expect(await enforceRetention(store, { maxAge: "1d" })).toEqual({ memories: 1, cut: 0 });
  });
});

describe("retention", () => {
  it("is refused without a limit, with an invalid limit, and if memories cannot be cut", async () => {
    const store = new InMemoryBackend<Note>();
    for (const options of [
      {},
      { maxRecords: 0 },
      { maxRecords: 1.5 },
      { maxAge: "soon" },
      { maxAge: 0 },
      { max: 1 } as object,
    ])
      expect(() => withRetention(store, options)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    const plain = { load: async () => null, save: async () => {}, delete: async () => {}, list: async () => [] };
    expect(await rejectionOf(enforceRetention(plain, { maxRecords: 1 }))).toMatchObject({ code: "NOT_SUPPORTED" });
  });
});
