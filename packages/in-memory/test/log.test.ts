import { beforeEach, describe, expect, it, jest } from "@jest/globals";
import { InMemoryBackend } from "../src/index.ts";
import { type Note, notes } from "./support/backends.ts";

const ID = "user-alice";

let backend: InMemoryBackend<Note>;
beforeEach(() => {
  backend = new InMemoryBackend<Note>();
});

/** Appends one entry of `count` records, whose numbers continue those in the memory. */
async function entry(count: number, operationId?: string): Promise<string> {
  const before = (await backend.info(ID))?.records ?? 0;
  return backend.append(ID, notes(before, count), { operationId });
}

describe("an absent memory differs from an empty one", () => {
  it("gives null for an absent memory", async () => {
    expect(await backend.load(ID)).toBeNull();
    expect(await backend.read(ID)).toBeNull();
    expect(await backend.info(ID)).toBeNull();
    expect(await backend.list()).toEqual([]);
  });

  it("gives an empty list for a memory that was saved empty", async () => {
    await backend.save(ID, []);
    expect(await backend.load(ID)).toEqual([]);
    expect(await backend.read(ID)).toMatchObject({ records: [], start: null, reset: false, regressed: false });
    expect(await backend.info(ID)).toMatchObject({ records: 0, bytes: 0 });
    expect(await backend.list()).toEqual([ID]);
  });

  it("removes a memory, and an absent memory is not an error", async () => {
    await entry(2);
    await backend.delete(ID);
    await backend.delete(ID);
    expect(await backend.load(ID)).toBeNull();
  });
});

describe("the same operation again changes nothing and answers as the first time", () => {
  it("finds it right after since, and answers the same revision as the first time", async () => {
    const since = await entry(1);
    const first = await backend.append(ID, notes(1, 2), { operationId: "turn", since });
    await entry(1);
    expect(await backend.append(ID, notes(1, 2), { operationId: "turn", since })).toBe(first);
    expect(await backend.load(ID)).toEqual(notes(0, 4));
  });

  it("finds it when the caller knew of no memory", async () => {
    const first = await backend.append(ID, notes(0, 1), { operationId: "turn", since: null });
    await entry(1);
    expect(await backend.append(ID, notes(0, 1), { operationId: "turn", since: null })).toBe(first);
    expect(await backend.load(ID)).toEqual(notes(0, 2));
  });

  it("finds it before it judges the expected revision", async () => {
    const expectedRevision = await entry(1);
    const first = await backend.append(ID, notes(1, 1), { operationId: "turn", expectedRevision });
    expect(await backend.append(ID, notes(1, 1), { operationId: "turn", expectedRevision })).toBe(first);
  });

  it("searches the last 64 entries if since is not given, and no more", async () => {
    await entry(1, "turn");
    for (let index = 0; index < 63; index++) await entry(1);
    await entry(1, "turn");
    expect((await backend.info(ID))?.records).toBe(64);
    await entry(1);
    await entry(1, "turn");
    expect((await backend.info(ID))?.records).toBe(66);
  });

  it("searches only after a since that the log still continues", async () => {
    await entry(1, "turn");
    const since = await entry(1);
    await backend.append(ID, notes(2, 1), { operationId: "turn", since });
    expect((await backend.info(ID))?.records).toBe(3);
  });

  it("searches the whole log if since belongs to another log", async () => {
    const since = await entry(1);
    await backend.delete(ID);
    const first = await entry(1, "turn");
    for (let index = 0; index < 70; index++) await entry(1);
    expect(await backend.append(ID, notes(0, 1), { operationId: "turn", since })).toBe(first);
    expect(await backend.append(ID, notes(0, 1), { operationId: "turn", since: null })).toBe(first);
  });

  it("holds for a save, and keeps the records appended since", async () => {
    await backend.save(ID, notes(0, 2), { operationId: "import" });
    await entry(1);
    await backend.save(ID, notes(0, 2), { operationId: "import" });
    expect(await backend.load(ID)).toEqual(notes(0, 3));
  });

  it("holds for a save that was followed by another save", async () => {
    await backend.save(ID, notes(0, 2), { operationId: "first" });
    await backend.save(ID, notes(5, 1), { operationId: "second" });
    await backend.save(ID, notes(0, 2), { operationId: "first" });
    expect(await backend.load(ID)).toEqual(notes(5, 1));
  });

  it("holds for the last 64 saves, and no more", async () => {
    await backend.save(ID, notes(0, 1), { operationId: "first" });
    for (let index = 1; index < 64; index++) await backend.save(ID, [], { operationId: `save-${index}` });
    await backend.save(ID, notes(0, 1), { operationId: "first" });
    expect(await backend.load(ID)).toEqual([]);
    await backend.save(ID, [], { operationId: "save-64" });
    await backend.save(ID, notes(0, 1), { operationId: "first" });
    expect(await backend.load(ID)).toEqual(notes(0, 1));
  });

  it("holds for a save whose expected revision its own first attempt replaced", async () => {
    await backend.save(ID, notes(0, 2), { operationId: "import", expectedRevision: null });
    await backend.save(ID, notes(0, 2), { operationId: "import", expectedRevision: null });
    expect(await backend.load(ID)).toEqual(notes(0, 2));
  });
});

describe("a write based on an outdated log is refused, and writes nothing", () => {
  const conflict = { code: "CONFLICT", outcome: "not-applied", memoryId: ID, backend: "in-memory" };

  it("an append that knew of no memory, if there is one", async () => {
    await entry(1);
    await expect(backend.append(ID, notes(9, 1), { since: null })).rejects.toMatchObject(conflict);
    expect(await backend.load(ID)).toEqual(notes(0, 1));
  });

  it("an append that knew a memory, if the memory is gone", async () => {
    const since = await entry(1);
    await backend.delete(ID);
    await expect(backend.append(ID, notes(9, 1), { since })).rejects.toMatchObject(conflict);
    expect(await backend.load(ID)).toBeNull();
  });

  it("an append that knew the log before a save, even one of the same records", async () => {
    const since = await entry(1);
    await backend.save(ID, notes(0, 1));
    await expect(backend.append(ID, notes(9, 1), { since })).rejects.toMatchObject(conflict);
  });

  it.each(["garbage", "other.1", ".", "1.1.1"])("an append that knew %j, which was never a revision", async (since) => {
    await entry(1);
    await expect(backend.append(ID, notes(9, 1), { since })).rejects.toMatchObject(conflict);
  });

  it("an append that knew more entries than there are", async () => {
    const revision = await entry(1);
    const since = revision.replace(/\d+$/, "7");
    await expect(backend.append(ID, notes(9, 1), { since })).rejects.toMatchObject(conflict);
  });

  it("any write whose expected revision is not the current one", async () => {
    const old = await entry(1);
    const now = await entry(1);
    await expect(backend.append(ID, notes(9, 1), { expectedRevision: old })).rejects.toMatchObject(conflict);
    await expect(backend.save(ID, notes(9, 1), { expectedRevision: old })).rejects.toMatchObject(conflict);
    await expect(backend.append(ID, notes(9, 1), { expectedRevision: null })).rejects.toMatchObject(conflict);
    await expect(backend.save(ID, notes(9, 1), { expectedRevision: null })).rejects.toMatchObject(conflict);
    await expect(backend.save("absent", notes(9, 1), { expectedRevision: now })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    await expect(backend.append("absent", notes(9, 1), { expectedRevision: now })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    expect(await backend.load(ID)).toEqual(notes(0, 2));
    expect(await backend.list()).toEqual([ID]);
  });

  it("but a write whose expected revision is the current one is made", async () => {
    await backend.append(ID, notes(0, 1), { expectedRevision: null });
    const { revision = "" } = (await backend.read(ID)) ?? {};
    await backend.append(ID, notes(1, 1), { expectedRevision: revision });
    const next = (await backend.read(ID))?.revision;
    await backend.save(ID, notes(5, 1), { expectedRevision: next });
    expect(await backend.load(ID)).toEqual(notes(5, 1));
  });
});

describe("a read gives whole entries, and says whether they continue what the reader knew", () => {
  it("the newest entries that hold at least `last` records", async () => {
    await entry(2);
    await entry(3);
    await entry(1);
    expect((await backend.read(ID, { last: 1 }))?.records).toEqual(notes(5, 1));
    expect((await backend.read(ID, { last: 2 }))?.records).toEqual(notes(2, 4));
    expect((await backend.read(ID, { last: 5 }))?.records).toEqual(notes(0, 6));
    expect(await backend.read(ID, { last: 100 })).toMatchObject({ records: notes(0, 6), start: null });
  });

  it("what came after `since`", async () => {
    const since = await entry(2);
    expect(await backend.read(ID, { since })).toMatchObject({ records: [], revision: since, reset: false });
    await entry(2);
    expect(await backend.read(ID, { since })).toMatchObject({ records: notes(2, 2), start: since, reset: false });
  });

  it("a reset if `last` cut the records after `since`, and only then", async () => {
    const since = await entry(1);
    await entry(2);
    await entry(2);
    expect(await backend.read(ID, { since, last: 3 })).toMatchObject({ records: notes(1, 4), reset: false });
    expect(await backend.read(ID, { since, last: 2 })).toMatchObject({
      records: notes(3, 2),
      reset: true,
      regressed: false,
    });
  });

  it("a reset with the newest records if `since` belongs to another log", async () => {
    const since = await entry(3);
    await backend.save(ID, notes(7, 2));
    expect(await backend.read(ID, { since })).toMatchObject({
      records: notes(7, 2),
      start: null,
      reset: true,
      regressed: false,
    });
    expect(await backend.read(ID, { since, last: 1 })).toMatchObject({ records: notes(8, 1), reset: true });
    expect(await backend.read(ID, { before: since, last: 1 })).toMatchObject({ records: notes(8, 1), reset: true });
    expect(await backend.read(ID, { since: "garbage" })).toMatchObject({
      records: notes(7, 2),
      reset: true,
      regressed: false,
    });
  });

  it("a regression if the log lacks entries that the reader knew", async () => {
    const since = (await entry(1)).replace(/\d+$/, "7");
    expect(await backend.read(ID, { since })).toMatchObject({ records: notes(0, 1), reset: true, regressed: true });
  });

  it("older pages before `start`, down to the beginning", async () => {
    for (let index = 0; index < 4; index++) await entry(2);
    const pages: Note[][] = [];
    let start: string | null | undefined;
    do {
      const page = await backend.read(ID, { last: 3, ...(start && { before: start }) });
      pages.unshift(page?.records ?? []);
      start = page?.start;
    } while (start);
    expect(pages).toEqual([notes(0, 4), notes(4, 4)]);
  });

  it("a revision that changes with every write, and only then", async () => {
    const seen: (string | undefined)[] = [];
    const look = async (): Promise<void> => void seen.push((await backend.read(ID))?.revision);
    await entry(1, "turn");
    await look();
    await entry(1, "turn");
    await backend.touch(ID);
    await backend.load(ID);
    await look();
    expect(seen[1]).toBe(seen[0]);
    await entry(1);
    await look();
    await backend.save(ID, notes(0, 2));
    await look();
    await backend.save(ID, notes(0, 2));
    await look();
    expect(new Set(seen).size).toBe(4);
  });

  it("one entry for each record of a save", async () => {
    await backend.save(ID, notes(0, 5));
    expect((await backend.read(ID, { last: 2 }))?.records).toEqual(notes(3, 2));
  });
});

describe("a turn costs the same however long the log is", () => {
  it("parses the window and nothing else", async () => {
    await backend.save(ID, notes(0, 20_000));
    const parse = jest.spyOn(JSON, "parse");
    try {
      const page = await backend.read(ID, { last: 20 });
      await backend.read(ID, { last: 20, before: page?.start ?? "" });
      await backend.read(ID, { since: page?.revision });
      await backend.append(ID, notes(20_000, 2), { since: page?.revision });
      await backend.info(ID);
      expect(parse).toHaveBeenCalledTimes(40);
    } finally {
      parse.mockRestore();
    }
  });
});
