import { appendFileSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import type { FileBackend } from "../src/index.ts";
import { encodeSave } from "../src/log-writing.ts";
import { another, contentOf, filesOf, type Note, newBackend, notes, pathOf, rejectionOf } from "./support/backends.ts";
import { systemError, watched } from "./support/watched-file-system.ts";

const ID = "user-alice";
const keepOperations = true;

/** The ids in the newest line of the file that keeps appends known. */
function keptIn(backend: { directory: string }): string[] | undefined {
  const lines = contentOf(backend).toString().split("\n");
  const line = lines.findLast((text) => text.includes('"kept":'));
  return line === undefined ? undefined : JSON.parse(line)[3].kept;
}

/** Repeats appends, and checks that nothing was written. */
async function expectKnown(backend: FileBackend<Note>, ids: readonly string[]): Promise<void> {
  const before = await backend.load(ID);
  for (const operationId of ids) await backend.append(ID, notes(99, 1), { operationId });
  expect(await backend.load(ID)).toEqual(before);
}

const numbered = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `op-${from + index}`);

describe("a save with `keepOperations`", () => {
  it("writes the ids of appends into a line of their own, after its records", async () => {
    const backend = newBackend({ compactAt: false });
    for (const operationId of ["a", "b"]) await backend.append(ID, notes(0, 1), { operationId });
    await backend.save(ID, notes(5, 1), { operationId: "mine", keepOperations });
    const lines = contentOf(backend)
      .toString()
      .split("\n")
      .slice(-3)
      .map((line) => JSON.parse(line));
    const from = lines[0][1];
    expect(lines.map(([, , kind, { t, from: begin, r, kept }]) => [kind, t, begin, r, kept])).toEqual([
      ["part", "mine", from, notes(5, 1), undefined],
      ["part", "mine", from, [], ["a", "b"]],
      ["save", "mine", from, [], undefined],
    ]);
    await expectKnown(backend, ["a", "b"]);
  });

  it("writes no such line if there is nothing to keep", async () => {
    const backend = newBackend();
    await backend.save(ID, notes(0, 1), { keepOperations });
    await backend.save(ID, notes(1, 1), { keepOperations });
    expect(keptIn(backend)).toBeUndefined();
  });

  it("keeps the newest 64 in order, through compactions and another process", async () => {
    const backend = newBackend({ compactAt: 0, compactMinBytes: 0 });
    for (let n = 0; n < 150; n++) {
      await backend.append(ID, notes(n, 1), { operationId: `op-${n}` });
      if (n % 7 === 6) await backend.save(ID, notes(n, 1), { keepOperations });
    }
    await another(backend).save(ID, notes(200, 2), { keepOperations });
    expect(keptIn(backend)).toEqual(numbered(86, 64));
    await backend.compact(ID);
    await expectKnown(another(backend), numbered(86, 64));
  });

  it("finds a kept append after 63 later ones, as before the save", async () => {
    const backend = newBackend();
    await backend.append(ID, notes(0, 1), { operationId: "first" });
    await backend.save(ID, notes(0, 300), { keepOperations });
    for (let n = 1; n < 64; n++) await backend.append(ID, notes(n, 1));
    await expectKnown(backend, ["first"]);
    expect((await backend.info(ID))?.records).toBe(363);
  });

  it("takes a record that looks like such a line for a record", async () => {
    const backend = newBackend<object>();
    const records = [{ r: [], kept: ["op"] }, { text: '"r":[],"kept":["op"]' }];
    await backend.save(ID, records);
    await backend.append(ID, [{ n: 1 }], { operationId: "op" });
    expect(await backend.load(ID)).toEqual([...records, { n: 1 }]);
    await backend.save(ID, records, { keepOperations });
    expect(keptIn(backend)).toEqual(["op"]);
  });

  it("keeps nothing if it was cut short: what was known before stays known", async () => {
    const backend = newBackend();
    for (const operationId of ["a", "b"]) await backend.append(ID, notes(0, 1), { operationId });
    const path = pathOf(backend, `${ID}.1.jsonl`);
    for (const missing of [1, 40, 200]) {
      const whole = readFileSync(path);
      const save = encodeSave(ID, "cut", ['{"n":5}'], statSync(path).size, ["other"]).bytes;
      appendFileSync(path, save.subarray(0, save.length - missing));
      await expectKnown(another(backend), ["a", "b"]);
      expect((await another(backend).load(ID))?.length).toBe(2);
      expect(readFileSync(path).subarray(0, whole.length)).toEqual(whole);
    }
  });

  it("carries no ids of saves that other saves have replaced through a compaction", async () => {
    const backend = newBackend({ compactAt: false });
    for (let n = 0; n < 80; n++) {
      await backend.append(ID, notes(n, 1), { operationId: `${n}`.padEnd(64, "-") });
      await backend.save(ID, notes(n, 1), { keepOperations });
    }
    const { after = 0 } = (await backend.compact(ID)) ?? {};
    expect(
      contentOf(backend)
        .toString()
        .match(/"kept":/g),
    ).toHaveLength(1);
    expect(after).toBeLessThan(30_000);
    await expectKnown(backend, ["79".padEnd(64, "-"), "20".padEnd(64, "-")]);
  });

  it("has no part in pages, counts and windows", async () => {
    const backend = newBackend();
    await backend.append(ID, notes(0, 1), { operationId: "a" });
    await backend.save(ID, notes(0, 3), { keepOperations });
    expect(await backend.read(ID, { last: 3 })).toMatchObject({ records: notes(0, 3), start: null });
    const { start, records } = (await backend.read(ID, { last: 1 })) ?? {};
    expect(records).toEqual(notes(2, 1));
    expect(await backend.read(ID, { before: start ?? "", last: 2 })).toMatchObject({
      records: notes(0, 2),
      start: null,
    });
    expect((await backend.info(ID))?.records).toBe(3);
    await backend.save(ID, [], { keepOperations });
    expect(await backend.read(ID, { last: 1 })).toMatchObject({ records: [], start: null });
    await expectKnown(backend, ["a"]);
  });
});

describe("a write of which an earlier try stood in the log", () => {
  it("is told as unknown, whatever fails later", async () => {
    const backend = newBackend({ durability: "sync" });
    await backend.append(ID, notes(0, 1));
    const other = another(backend);
    let isWritten = false;
    const fileSystem = watched(async ({ name, path }) => {
      if (name === "file.write" && path.endsWith(".1.jsonl")) isWritten = true;
      if (isWritten && name === "file.sync" && filesOf(backend).includes(`${ID}.1.jsonl`)) {
        // The write stands in the log, and is not flushed yet. Another process deletes the memory.
        await other.delete(ID);
        return undefined;
      }
      if (isWritten && name === "readdir" && !filesOf(backend).includes(`${ID}.1.jsonl`)) {
        return { error: systemError("EIO") };
      }
      return undefined;
    });
    const unlucky = another(backend, { durability: "sync", fileSystem });
    const since = (await backend.read(ID))?.revision;
    const error = await rejectionOf(unlucky.append(ID, notes(1, 1), { since }));
    expect(isWritten).toBe(true);
    expect(error).toMatchObject({ outcome: "unknown" });
  });

  it("is told as unknown, too, if the memory is gone when it is tried again", async () => {
    const backend = newBackend({ durability: "sync" });
    await backend.append(ID, notes(0, 1));
    const other = another(backend);
    let isDeleted = false;
    const fileSystem = watched(async ({ name }) => {
      if (name === "file.sync" && !isDeleted) {
        isDeleted = true;
        await other.delete(ID);
      }
      return undefined;
    });
    const unlucky = another(backend, { durability: "sync", fileSystem });
    const since = (await backend.read(ID))?.revision;
    expect(await rejectionOf(unlucky.append(ID, notes(1, 1), { since }))).toMatchObject({
      code: "CONFLICT",
      outcome: "unknown",
    });
    expect(await backend.load(ID)).toBeNull();
  });
});
