import type { Revision } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { notes, rejectionOf, useServer } from "./support/backends.ts";

const redis = useServer();
const ID = "user-alice";
const MIB = 1024 * 1024;

/** The mark of a memory. `undefined`: it has no mark. */
async function markOf(): Promise<{ saves: string[]; appends: string[]; end: string } | undefined> {
  const [, first = ""] = await redis.elements(ID);
  return first.startsWith('{"t":"save:"') ? JSON.parse(first) : undefined;
}

/** How often the server ran each command, from clients and from scripts. */
async function callsDuring(run: () => Promise<unknown>): Promise<Record<string, number>> {
  await redis.command("CONFIG", "RESETSTAT");
  await run();
  const text = String(await redis.command("INFO", "commandstats"));
  return Object.fromEntries(
    [...text.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].map(([, name, calls]) => [String(name), Number(calls)]),
  );
}

describe("a save with `keepOperations`", () => {
  it("puts the appends that stay known into the mark before its records", async () => {
    const backend = redis.open();
    for (const operationId of ["a", "b", "c"]) await backend.append(ID, notes(0, 1), { operationId });
    await backend.save(ID, notes(5, 2), { operationId: "mine", keepOperations: true });
    const elements = await redis.elements(ID);
    expect(elements).toHaveLength(4);
    const revision = (await backend.read(ID, { last: 1 }))?.revision;
    expect(await markOf()).toMatchObject({ saves: ["mine"], appends: ["a", "b", "c"] });
    expect(`${revision?.split(".")[0]}.${(await markOf())?.end}`).toBe(revision);
    expect(await backend.append(ID, notes(9, 1), { operationId: "b" })).toBe(revision);
    expect(await redis.elements(ID)).toEqual(elements);
    await backend.save(ID, notes(5, 2));
    expect(await markOf()).toMatchObject({ saves: ["mine"], appends: [] });
  });

  it("keeps no more than 64 appends and 64 saves, whose ids may be long", async () => {
    const backend = redis.open();
    const id = (n: number): string => `${n}`.padEnd(64, "-");
    for (let n = 0; n < 70; n++) {
      await backend.append(ID, notes(n, 1), { operationId: id(n) });
      await backend.save(ID, notes(n, 1), { operationId: id(n), keepOperations: true });
    }
    const newest = Array.from({ length: 64 }, (_, n) => id(n + 6));
    expect(await markOf()).toMatchObject({ saves: newest, appends: newest });
    expect((await redis.elements(ID))[1]?.length).toBeLessThan(10_000);
  });

  it("looks at entries in steps, so that long entries do not hold up the server", async () => {
    const backend = redis.open();
    for (let n = 0; n < 6; n++) {
      await backend.append(ID, [{ n, text: "x".repeat(MIB / 2) }], { operationId: `op-${n}` });
    }
    const calls = await callsDuring(() => backend.save(ID, notes(0, 1), { keepOperations: true }));
    // One to identify the log, one for each long entry, and the save itself.
    expect(calls["evalsha"]).toBe(8);
    await backend.append(ID, notes(9, 1), { operationId: "op-0" });
    expect(await backend.load(ID)).toEqual(notes(0, 1));
    for (let n = 0; n < 70; n++) await backend.append("short", notes(n, 1));
    const few = await callsDuring(() => backend.save("short", notes(0, 1), { keepOperations: true }));
    expect(few["evalsha"]).toBe(3);
  });

  it("reads the ids again if others append meanwhile", async () => {
    const backend = redis.open();
    const other = redis.open();
    await backend.append(ID, notes(0, 1));
    for (let round = 0; round < 20; round++) {
      const operations = Array.from({ length: 5 }, (_, n) => `op-${round}-${n}`);
      await Promise.all([
        backend.save(ID, notes(0, 1), { keepOperations: true }),
        ...operations.map((operationId) => other.append(ID, notes(1, 1), { operationId })),
      ]);
      const before = await backend.load(ID);
      for (const operationId of operations) await other.append(ID, notes(1, 1), { operationId });
      expect(await backend.load(ID)).toEqual(before);
    }
  });

  it("creates an absent memory, and converts a value of go-deep-agent", async () => {
    const backend = redis.open<object>();
    await backend.save(ID, notes(0, 1), { keepOperations: true });
    expect(await backend.load(ID)).toEqual(notes(0, 1));
    expect(await markOf()).toBeUndefined();
    await redis.command(
      "SET",
      `${redis.prefix}go`,
      '[{"Role":"user","Content":"hi","ToolCalls":null,"ToolCallID":""}]',
    );
    await backend.save("go", notes(1, 1), { keepOperations: true });
    expect(await backend.load("go")).toEqual(notes(1, 1));
  });

  it("rejects a damaged log, and a list of another program", async () => {
    const backend = redis.open();
    await redis.command("RPUSH", `${redis.prefix}${ID}`, "something else");
    expect(await rejectionOf(backend.save(ID, notes(0, 1), { keepOperations: true }))).toMatchObject({
      code: "CORRUPT",
    });
  });
});

describe("operations whose entries retention has removed", () => {
  it("stay known: the newest 64 appends, without `since` and with a `since` from before them", async () => {
    const backend = redis.open({ maxRecords: 5 });
    const revisions: Revision[] = [];
    for (let n = 0; n < 80; n++) {
      revisions.push(await backend.append(ID, notes(n, 1), { operationId: `op-${n}` }));
    }
    const before = await redis.elements(ID);
    for (let n = 16; n < 80; n++) {
      await backend.append(ID, notes(n, 1), { operationId: `op-${n}` });
      await backend.append(ID, notes(n, 1), { operationId: `op-${n}`, since: revisions[n - 1] });
      await backend.append(ID, notes(n, 1), { operationId: `op-${n}`, since: null });
    }
    expect(await redis.elements(ID)).toEqual(before);
    expect(await backend.load(ID)).toEqual(notes(75, 5));
  });

  it("get a revision after which everything that is left is new", async () => {
    const backend = redis.open({ maxRecords: 4 });
    for (let n = 0; n < 10; n++) await backend.append(ID, notes(n, 1), { operationId: `op-${n}` });
    const since = await backend.append(ID, notes(2, 1), { operationId: "op-2" });
    expect(await backend.read(ID, { since })).toMatchObject({ records: notes(6, 4), reset: false, regressed: false });
    await backend.append(ID, notes(10, 1), { since });
    expect(await backend.load(ID)).toEqual(notes(7, 4));
  });

  it("include saves with a name, which are not made again over the turns after them", async () => {
    const backend = redis.open({ maxRecords: 4 });
    await backend.save(ID, notes(0, 3), { operationId: "save" });
    for (let n = 3; n < 9; n++) await backend.append(ID, notes(n, 1));
    await backend.save(ID, notes(0, 3), { operationId: "save" });
    expect(await backend.load(ID)).toEqual(notes(5, 4));
    await backend.save(ID, notes(7, 2), { keepOperations: true });
    await backend.save(ID, notes(0, 3), { operationId: "save" });
    expect(await backend.load(ID)).toEqual(notes(7, 2));
  });

  it("include those that a save kept known before", async () => {
    const backend = redis.open({ maxRecords: 4 });
    await backend.append(ID, notes(0, 1), { operationId: "first" });
    await backend.save(ID, notes(0, 1), { keepOperations: true });
    for (let n = 1; n < 20; n++) await backend.append(ID, notes(n, 1));
    await backend.append(ID, notes(0, 1), { operationId: "first" });
    expect(await backend.load(ID)).toEqual(notes(16, 4));
  });

  it("leave the revisions of readers as they were", async () => {
    const backend = redis.open({ maxRecords: 3 });
    const revisions: Revision[] = [];
    for (let n = 0; n < 6; n++) revisions.push(await backend.append(ID, notes(n, 1)));
    const reads = await Promise.all(revisions.map((since) => backend.read(ID, { since })));
    expect(reads.map((read) => [read?.records.length, read?.reset, read?.regressed])).toEqual([
      // Entries after these were removed.
      [3, true, false],
      [3, true, false],
      // The newest entry that was removed: everything after it is left.
      [3, false, false],
      [2, false, false],
      [1, false, false],
      [0, false, false],
    ]);
    const page = await backend.read(ID, { last: 1 });
    expect(page).toMatchObject({ records: notes(5, 1) });
    const older = await backend.read(ID, { before: page?.start ?? "" });
    expect(older).toMatchObject({ records: notes(3, 2), start: null, reset: false });
    expect(await backend.read(ID, { last: 3 })).toMatchObject({ records: notes(3, 3), start: null });
  });
});
