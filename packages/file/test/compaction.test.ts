import { appendFileSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import type { FileBackend, FileBackendOptions } from "../src/index.ts";
import { encodeAppend } from "../src/log-writing.ts";
import {
  another,
  contentOf,
  eventsDuring,
  filesOf,
  type Note,
  newBackend,
  notes,
  pathOf,
  rejectionOf,
} from "./support/backends.ts";
import { systemError, watched } from "./support/watched-file-system.ts";

const ID = "user-alice";
const path = (backend: { directory: string }, generation: number): string =>
  pathOf(backend, `${ID}.${generation}.jsonl`);

/** A memory with turns that a save replaced, and turns after the save. */
async function replaced(options: FileBackendOptions = {}): Promise<FileBackend<Note>> {
  const backend = newBackend({ compactAt: false, ...options });
  for (const n of [0, 1, 2]) await backend.append(ID, [{ n, text: "replaced" }]);
  await backend.save(ID, notes(10, 3), { operationId: "save" });
  await backend.append(ID, notes(20, 2), { operationId: "turn" });
  return backend;
}

const STORED = [...notes(10, 3), ...notes(20, 2)];

/** Appends the beginning of a write that was cut short, and a turn that lost a race. */
function appendDeadLines(file: string): void {
  const { size } = statSync(file);
  appendFileSync(file, encodeAppend(ID, "torn", ['{"n":98}'], size).bytes.subarray(0, -9));
  appendFileSync(file, encodeAppend(ID, "lost", ['{"n":99,"text":"lost"}'], size).bytes);
}

describe("a compaction leaves out lines that do not count any more", () => {
  it("whether they were replaced, torn or written in vain", async () => {
    const backend = await replaced();
    appendDeadLines(path(backend, 1));
    await backend.append(ID, notes(30, 1));
    appendDeadLines(path(backend, 1));
    const before = statSync(path(backend, 1)).size;
    const compacted = await backend.compact(ID);
    expect(filesOf(backend)).toEqual([`${ID}.2.jsonl`]);
    expect(compacted).toEqual({ before, after: statSync(path(backend, 2)).size });
    expect(compacted?.after).toBeLessThan(before);
    expect(contentOf(backend).toString()).not.toMatch(/replaced|lost|torn/);
    const events = await eventsDuring(async () => {
      expect(await another(backend).load(ID)).toEqual([...STORED, ...notes(30, 1)]);
    });
    expect(events).toEqual([]);
  });

  it("again and again, as more is written", async () => {
    const backend = newBackend({ compactAt: false });
    const sizes: number[] = [];
    for (let round = 0; round < 5; round++) {
      await backend.append(ID, [{ n: round, text: "x".repeat(2000) }]);
      await backend.save(ID, notes(10 * round, 2));
      await backend.append(ID, notes(10 * round + 2, 2));
      sizes.push((await backend.compact(ID))?.after ?? 0);
      expect(await another(backend).load(ID)).toEqual(notes(10 * round, 4));
    }
    expect(filesOf(backend)).toEqual([`${ID}.6.jsonl`]);
    expect(Math.max(...sizes)).toBeLessThan(1500);
  });

  it("and makes no file if it would not be smaller, or if there is no memory", async () => {
    const backend = newBackend();
    expect(await backend.compact(ID)).toBeNull();
    await backend.append(ID, notes(0, 2));
    const { size } = statSync(path(backend, 1));
    expect(await backend.compact(ID)).toEqual({ before: size, after: size });
    expect(filesOf(backend)).toEqual([`${ID}.1.jsonl`]);
    await backend.delete(ID);
    expect(await backend.compact(ID)).toBeNull();
    expect(await another(backend).list()).toEqual([]);
  });

  it("unless its caller has aborted it", async () => {
    const backend = await replaced();
    const reason = new Error("enough");
    await expect(backend.compact(ID, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(filesOf(backend)).toEqual([`${ID}.1.jsonl`]);
  });
});

describe("only its size shows that a log was compacted", () => {
  it("a revision stays valid: to read on from, to expect, and to page back from", async () => {
    const backend = newBackend({ compactAt: false });
    await backend.append(ID, notes(0, 1));
    await backend.save(ID, notes(10, 3));
    const first = await backend.append(ID, notes(20, 2));
    appendDeadLines(path(backend, 1));
    const second = await backend.append(ID, notes(30, 2));
    const page = await backend.read(ID, { last: 2 });
    await backend.compact(ID);
    for (const one of [backend, another(backend)]) {
      expect(await one.read(ID, { since: first })).toEqual({
        records: notes(30, 2),
        revision: second,
        start: expect.any(String),
        reset: false,
        regressed: false,
      });
      expect(await one.read(ID, { since: second })).toMatchObject({ records: [], revision: second, reset: false });
      expect(await one.read(ID, { last: 2, before: page?.start ?? "" })).toMatchObject({
        records: notes(20, 2),
        revision: second,
        reset: false,
      });
    }
    await another(backend).append(ID, notes(40, 1), { since: second, expectedRevision: second });
    expect(await backend.load(ID)).toEqual([...notes(10, 3), ...notes(20, 2), ...notes(30, 2), ...notes(40, 1)]);
  });

  it("a read since a revision before the last save gives a reset, as without a compaction", async () => {
    const backend = newBackend({ compactAt: false });
    const old = await backend.append(ID, notes(0, 1));
    await backend.save(ID, notes(10, 3));
    const { revision } = (await backend.read(ID)) ?? {};
    const answers = async () => [
      await another(backend).read(ID, { since: old }),
      await rejectionOf(another(backend).append(ID, notes(40, 1), { since: old, operationId: "new" })),
      await rejectionOf(another(backend).save(ID, [], { expectedRevision: old })),
    ];
    const before = await answers();
    await backend.compact(ID);
    expect(await answers()).toEqual(before);
    expect(before[0]).toMatchObject({ records: notes(10, 3), revision, reset: true, regressed: false });
    expect(before[1]).toMatchObject({ code: "CONFLICT" });
  });

  it("an earlier operation is found: an append, the last save, and replaced saves", async () => {
    const backend = newBackend({ compactAt: false });
    await backend.append(ID, notes(0, 1), { operationId: "zero" });
    await backend.save(ID, notes(10, 1), { operationId: "one" });
    await backend.save(ID, notes(20, 1), { operationId: "two" });
    const revision = await backend.append(ID, notes(30, 1), { operationId: "three" });
    for (let round = 0; round < 2; round++) {
      await backend.compact(ID);
      for (const operationId of ["one", "two"]) await another(backend).save(ID, [], { operationId });
      expect(await another(backend).append(ID, notes(30, 1), { operationId: "three" })).toBe(revision);
      expect(await backend.load(ID)).toEqual([...notes(20, 1), ...notes(30, 1)]);
    }
  });

  it("its createdAt, its updatedAt and its place in recent stay", async () => {
    const backend = await replaced();
    const other = "user-bob";
    utimesSync(path(backend, 1), 1_700_000_000, 1_700_000_000);
    await backend.append(other, notes(0, 1));
    const before = await backend.info(ID);
    const recent = await backend.recent({ limit: 9 });
    await backend.compact(ID);
    const after = await another(backend).info(ID);
    expect(after).toEqual({ ...before, bytes: expect.any(Number) });
    expect(after?.bytes).toBeLessThan(before?.bytes ?? 0);
    expect(await backend.recent({ limit: 9 })).toEqual(recent);
    expect(recent.memories.map(({ memoryId }) => memoryId)).toEqual([other, ID]);
    // A later compaction knows only what the file before it has.
    await backend.save(ID, notes(0, 1));
    await backend.compact(ID);
    expect((await backend.info(ID))?.createdAt).toBe(before?.createdAt);
  });

  it("and a turn costs as much as before", async () => {
    const calls: string[] = [];
    const cost = async (backend: FileBackend<Note>): Promise<string[]> => {
      const one = another(backend, { fileSystem: watched(({ name }) => void calls.push(name)) });
      const revision = await one.append(ID, notes(40, 1));
      calls.length = 0;
      const since = (await one.read(ID, { last: 1, since: revision }))?.revision;
      await one.append(ID, notes(50, 1), { since });
      return calls.slice();
    };
    const plain = await cost(await replaced());
    const backend = await replaced();
    await backend.compact(ID);
    expect(await cost(backend)).toEqual(plain);
  });
});

describe("pages of memories that are compacted while they are read", () => {
  it("bring each memory once", async () => {
    const backend = newBackend({ compactAt: false });
    const ids = Array.from({ length: 12 }, (_, index) => `m${index}`);
    for (const id of ids) {
      await backend.append(id, [{ n: 0, text: "replaced".repeat(200) }]);
      await backend.save(id, notes(1, 1));
    }
    const seen: string[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null && seen.length < 100) {
      const page = await backend.recent({ limit: 1, cursor });
      for (const { memoryId } of page.memories) {
        seen.push(memoryId);
        expect((await backend.compact(memoryId))?.after).toBeLessThan(1_600);
      }
      cursor = page.cursor;
    }
    expect(seen.sort()).toEqual([...ids].sort());
  });
});

describe('with durability "os", a flush that fails during a compaction', () => {
  it("does not make the backend refuse later writes", async () => {
    let fails = true;
    const backend = newBackend({
      durability: "os",
      compactMinBytes: 0,
      fileSystem: watched(({ name }) => {
        if (name !== "syncDirectory" || !fails) return undefined;
        fails = false;
        return { error: systemError("EIO") };
      }),
    });
    await backend.append(ID, [{ n: 0, text: "replaced".repeat(500) }]);
    const events = await eventsDuring(() => backend.save(ID, notes(1, 1)));
    expect(fails).toBe(false);
    expect(events).toContainEqual(
      expect.objectContaining({ detail: expect.stringContaining("could not be compacted") }),
    );
    await backend.append("another", notes(0, 1));
    await backend.append(ID, notes(2, 1));
    expect(await backend.load(ID)).toEqual(notes(1, 2));
    await backend.delete(ID);
    expect(await backend.load(ID)).toBeNull();
  });
});

describe("a save compacts the file if enough of it was replaced", () => {
  const sizeOf = (backend: FileBackend<Note>): number => Buffer.byteLength(contentOf(backend));
  const big = (n: number): Note[] => [{ n, text: "x".repeat(1000) }];

  it("more than `compactAt`, in a file of at least `compactMinBytes`", async () => {
    const backend = newBackend({ compactAt: 0.78, compactMinBytes: 0 });
    const files: string[] = [];
    for (let n = 0; n < 5; n++) {
      await backend.save(ID, big(n));
      files.push(...filesOf(backend));
      expect(await another(backend).load(ID)).toEqual(big(n));
    }
    expect(files).toEqual([1, 1, 1, 1, 2].map((generation) => `${ID}.${generation}.jsonl`));
    const large = newBackend({ compactAt: 0, compactMinBytes: 6000 });
    let largest = 0;
    for (let n = 0; n < 20; n++) {
      await large.save(ID, big(n));
      largest = Math.max(largest, sizeOf(large));
    }
    expect(largest).toBeGreaterThan(4000);
    expect(largest).toBeLessThan(6000);
  });

  it("by default, but not small files", async () => {
    const backend = newBackend();
    for (let n = 0; n < 20; n++) await backend.save(ID, big(n));
    expect(filesOf(backend)).toEqual([`${ID}.1.jsonl`]);
    for (let n = 0; n < 20; n++) await backend.save(ID, [{ n, text: "x".repeat(100_000) }]);
    expect(sizeOf(backend)).toBeLessThan(400_000);
  });

  it("but never with `compactAt: false`; and an append never does", async () => {
    const never = newBackend({ compactAt: false, compactMinBytes: 0 });
    for (let n = 0; n < 10; n++) await never.save(ID, big(n));
    expect(filesOf(never)).toEqual([`${ID}.1.jsonl`]);
    const eager = another(never, { compactAt: 0, compactMinBytes: 0 });
    await eager.append(ID, big(10));
    expect(filesOf(never)).toEqual([`${ID}.1.jsonl`]);
  });

  it("and is stored even if the compaction fails", async () => {
    let step = 0;
    for (let failed = true; failed; step++) {
      const whole = await replaced();
      let opened = 0;
      let calls = 0;
      failed = false;
      const backend = another(whole, {
        compactAt: 0,
        compactMinBytes: 0,
        fileSystem: watched(({ name }) => {
          // The first flush is that of the save itself.
          if (name === "open") opened += 1;
          failed ||= opened > 1 && calls++ === step;
          return failed ? { error: systemError("EIO") } : undefined;
        }),
      });
      const events = await eventsDuring(() => backend.save(ID, notes(step, 2)));
      expect(await another(whole).load(ID)).toEqual(notes(step, 2));
      if (failed)
        expect(events).toEqual([
          { type: "warning", backend: "file", memoryId: ID, detail: expect.stringContaining("could not be compacted") },
        ]);
      expect(await another(whole).append(ID, notes(90, 1))).toEqual(expect.any(String));
      expect(await another(whole).load(ID)).toEqual([...notes(step, 2), ...notes(90, 1)]);
    }
    expect(step).toBeGreaterThan(20);
  });
});

describe("a disk that is full for the copy", () => {
  it("leaves everything as it is", async () => {
    const whole = await replaced();
    const before = readFileSync(path(whole, 1));
    let step = 0;
    for (let cut = true; cut; step++) {
      cut = false;
      let writes = 0;
      const backend = another(whole, {
        fileSystem: watched(({ name, path }) => {
          if (name !== "file.write" || !path.endsWith(".tmp") || writes++ !== step) return undefined;
          cut = true;
          return { cutTo: 30 };
        }),
      });
      const refusal = await backend.compact(ID).catch((error: unknown) => error);
      if (!cut) break;
      expect(refusal).toMatchObject({ code: "CAPACITY", outcome: "not-applied", retryable: true, memoryId: ID });
      expect(filesOf(whole)).toEqual([`${ID}.1.jsonl`]);
      expect(readFileSync(path(whole, 1))).toEqual(before);
    }
    expect(step).toBeGreaterThan(1);
    expect(await whole.load(ID)).toEqual(STORED);
  });
});

describe("a damaged log", () => {
  /** Changes a letter of a record, or of the line around it. */
  function damage(file: string, text: string): void {
    const bytes = readFileSync(file);
    bytes[bytes.indexOf(text)] = 120;
    writeFileSync(file, bytes);
  }

  it.each(['"n":1,"text"', '"n":11', '"n":20'])("is not compacted: %s", async (text) => {
    const backend = await replaced();
    damage(path(backend, 1), text);
    const before = readFileSync(path(backend, 1));
    await expect(backend.compact(ID)).rejects.toMatchObject({
      code: "CORRUPT",
      message: expect.stringMatching(/damaged at byte \d+ of .*alice\.1\.jsonl/),
    });
    expect(filesOf(backend)).toEqual([`${ID}.1.jsonl`]);
    expect(readFileSync(path(backend, 1))).toEqual(before);
  });

  it("keeps each damaged byte that was not replaced, if damage is skipped", async () => {
    const backend = await replaced({ onCorrupt: "skip" });
    appendDeadLines(path(backend, 1));
    await backend.append(ID, notes(30, 1));
    damage(path(backend, 1), '"n":1,"text"');
    damage(path(backend, 1), '"n":11');
    const undamaged = [...notes(10, 1), ...notes(12, 1), ...notes(20, 2), ...notes(30, 1)];
    expect(await backend.load(ID)).toEqual(undamaged);
    const { before, after } = (await backend.compact(ID)) ?? { before: 0, after: 0 };
    expect(after).toBeLessThan(before);
    expect(filesOf(backend)).toEqual([`${ID}.2.jsonl`]);
    expect(await backend.load(ID)).toEqual(undamaged);
    expect(filesOf(backend)).toEqual([`${ID}.2.jsonl`, expect.stringMatching(/alice\.2\.jsonl\.\d+\.corrupt$/)]);
    const copies = contentOf(backend)
      .toString()
      .match(/\{x?n":11\}/g);
    expect(copies).toEqual(['{xn":11}', '{xn":11}']);
    await expect(another(backend).load(ID)).rejects.toMatchObject({ code: "CORRUPT" });
    await expect(another(backend).compact(ID)).rejects.toMatchObject({ code: "CORRUPT" });
  });

  it("that was sealed is finished as it is, by the next call", async () => {
    const whole = await replaced();
    const { revision } = (await whole.read(ID, { last: 1 })) ?? { revision: "" };
    const sealer = another(whole, {
      fileSystem: watched(({ name }) => (name === "link" ? { error: systemError("EIO") } : undefined)),
    });
    await rejectionOf(sealer.compact(ID));
    damage(path(whole, 1), '"n":11');
    const fresh = another(whole);
    await fresh.append(ID, notes(40, 1), { since: revision });
    expect(filesOf(whole)).toEqual([`${ID}.2.jsonl`]);
    await expect(fresh.load(ID)).rejects.toMatchObject({ code: "CORRUPT" });
    expect((await another(whole, { onCorrupt: "skip" }).load(ID))?.map(({ n }) => n)).toEqual([10, 12, 20, 21, 40]);
  });
});
