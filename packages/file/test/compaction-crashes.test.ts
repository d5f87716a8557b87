import { utimesSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import type { FileBackend } from "../src/index.ts";
import { another, filesOf, type Note, newBackend, notes, pathOf, rejectionOf } from "./support/backends.ts";
import { type Fate, type FileSystemCall, systemError, watched } from "./support/watched-file-system.ts";

const ID = "user-alice";
const STORED = [...notes(10, 2), ...notes(20, 2)];

async function replaced(): Promise<FileBackend<Note>> {
  const backend = newBackend({ compactAt: false });
  await backend.append(ID, [{ n: 0, text: "replaced ".repeat(100) }]);
  await backend.save(ID, notes(10, 2));
  await backend.append(ID, notes(20, 2), { operationId: "turn" });
  return backend;
}

/** Makes no call from the n-th on; with `after`, the n-th still takes effect. */
function killedAt(step: number, after: boolean, calls: FileSystemCall[]): (call: FileSystemCall) => Fate {
  return (call) => {
    calls.push(call);
    if (calls.length - 1 < step) return undefined;
    return { error: systemError("EIO"), after: after && calls.length - 1 === step };
  };
}

/**
 * Kills a compaction before and after each of its steps, and calls `then` with a backend on the files that are left.
 */
async function atEachKill(then: (whole: FileBackend<Note>, what: string, made: FileSystemCall[]) => Promise<void>) {
  for (const after of [false, true]) {
    for (let step = 0, done = false; !done; step++) {
      const whole = await replaced();
      const calls: FileSystemCall[] = [];
      const compactor = another(whole, { fileSystem: watched(killedAt(step, after, calls)) });
      await compactor.compact(ID).catch(() => undefined);
      done = calls.length <= step;
      if (done) expect(step).toBeGreaterThan(25);
      else await then(whole, `killed ${after ? "after" : "before"} call ${step}, ${calls[step]?.name}`, calls);
    }
  }
}

const others: [string, (backend: FileBackend<Note>) => Promise<unknown>, Note[] | null][] = [
  ["an append", (backend) => backend.append(ID, notes(30, 1)), [...STORED, ...notes(30, 1)]],
  ["an append that is tried again", (backend) => backend.append(ID, notes(20, 2), { operationId: "turn" }), STORED],
  ["a save", (backend) => backend.save(ID, notes(30, 1)), notes(30, 1)],
  ["a delete", (backend) => backend.delete(ID), null],
  ["a compaction", (backend) => backend.compact(ID), STORED],
  ["a list", (backend) => backend.list(), STORED],
];

describe("after a compaction is killed at any step, others can go on", () => {
  it.each(others)("%s", async (_name, act, stored) => {
    const directories = new Set<string>();
    await atEachKill(async (whole, what) => {
      directories.add(
        filesOf(whole)
          .join()
          .replace(/[\w-]{22}\.tmp/, "tmp"),
      );
      const { revision } = (await whole.read(ID, { last: 1 })) ?? { revision: "" };
      expect([what, await another(whole).load(ID)]).toEqual([what, STORED]);
      expect([what, await another(whole).list()]).toEqual([what, [ID]]);
      // The first backend knew the memory before, the second does not.
      for (const backend of [whole, another(whole)]) {
        if (backend === whole) await act(backend);
        expect([what, await backend.load(ID)]).toEqual([what, stored]);
      }
      if (stored !== null && stored !== STORED && stored.length > STORED.length)
        expect([what, await another(whole).read(ID, { since: revision })]).toEqual([
          what,
          expect.objectContaining({ records: notes(30, 1), reset: false, regressed: false }),
        ]);
      // A day later no file is left over.
      for (const name of filesOf(whole)) utimesSync(pathOf(whole, name), 1_700_000_000, 1_700_000_000);
      await another(whole).list();
      expect([what, filesOf(whole).length]).toEqual([what, stored === null ? 0 : 1]);
      expect([what, await another(whole).load(ID)]).toEqual([what, stored]);
    });
    // With half a copy, with a seal but no successor, with both files, with one file.
    expect(directories.size).toBeGreaterThanOrEqual(4);
  });

  it("even if the process that finishes it is killed, too", async () => {
    let sealed = 0;
    const finish = async (step: number): Promise<boolean> => {
      const whole = await replaced();
      const first = another(whole, { fileSystem: watched(({ name }) => failing(name === "link")) });
      await rejectionOf(first.compact(ID));
      const calls: FileSystemCall[] = [];
      const second = another(whole, { fileSystem: watched(killedAt(step, true, calls)) });
      const acknowledged = await second.append(ID, notes(30, 1), { operationId: "op" }).then(
        () => true,
        () => false,
      );
      if (calls.some(({ name }) => name === "link")) sealed += 1;
      const now = await another(whole).load(ID);
      expect([step, [STORED, [...STORED, ...notes(30, 1)]]]).toEqual([step, expect.arrayContaining([now])]);
      if (acknowledged) expect(now).not.toEqual(STORED);
      await another(whole).append(ID, notes(30, 1), { operationId: "op" });
      expect([step, await another(whole).load(ID)]).toEqual([step, [...STORED, ...notes(30, 1)]]);
      return calls.length > step;
    };
    for (let step = 0; await finish(step); step++);
    expect(sealed).toBeGreaterThan(10);
  });
});

function failing(fails: boolean): Fate {
  return fails ? { error: systemError("EIO") } : undefined;
}

describe("a compaction with another call between any two of its steps", () => {
  const writes: [string, (backend: FileBackend<Note>, n: number) => Promise<unknown>, Note[] | null][] = [
    ["an append", (backend, n) => backend.append(ID, notes(n, 1)), [...STORED, ...notes(30, 1)]],
    ["a save", (backend, n) => backend.save(ID, notes(n, 1)), notes(30, 1)],
    ["a delete", (backend) => backend.delete(ID), null],
  ];

  it.each(writes)("%s is neither lost, doubled nor undone", async (_name, write, stored) => {
    for (const knows of [true, false]) {
      for (let step = 0, came = true; came; step++) {
        came = false;
        const whole = await replaced();
        if (knows) await whole.load(ID);
        let calls = 0;
        const compactor = another(whole, {
          fileSystem: watched(async () => {
            if (calls++ !== step) return undefined;
            came = true;
            await write(knows ? whole : another(whole), 30);
            return undefined;
          }),
        });
        const sizes = await compactor.compact(ID);
        if (!came) break;
        expect([step, await another(whole).load(ID)]).toEqual([step, stored]);
        expect([step, await compactor.load(ID)]).toEqual([step, stored]);
        expect([step, filesOf(whole).length]).toEqual([step, 1]);
        if (stored !== null) expect(sizes).not.toBeNull();
      }
    }
  });

  it("ends, even if another process writes without a pause", async () => {
    const whole = await replaced();
    let n = 30;
    let seals = 0;
    const compactor = another(whole, {
      fileSystem: watched(async ({ name, path }) => {
        if (name === "file.write" && path.endsWith(".jsonl")) seals += 1;
        // A compaction that copies the whole log before it seals is overtaken each time.
        else if (name === "file.write" && seals < 3) await whole.append(ID, notes(n++, 1));
        return undefined;
      }),
    });
    const { before, after } = (await compactor.compact(ID)) ?? { before: 0, after: 0 };
    expect(after).toBeLessThan(before);
    expect(seals).toBeGreaterThan(1);
    expect(await another(whole).load(ID)).toEqual([...STORED, ...notes(30, n - 30)]);
  });

  it("leaves no file if the memory is deleted twice meanwhile, so that the name is free again", async () => {
    const whole = await replaced();
    let links = 0;
    const compactor = another(whole, {
      fileSystem: watched(async ({ name, path }) => {
        if (name === "link") links += 1;
        if (name !== "open" || !path.endsWith(".tmp")) return undefined;
        await whole.delete(ID);
        await whole.append(ID, notes(30, 1));
        await whole.delete(ID);
        return undefined;
      }),
    });
    expect(await compactor.compact(ID)).toBeNull();
    expect(links).toBe(1);
    expect(filesOf(whole)).toEqual([`${ID}.3.jsonl`]);
    expect(await another(whole).load(ID)).toBeNull();
  });

  it("stores a turn once that was written before it and is acknowledged only after it", async () => {
    // Compacted, and replaced by a save, between the write and the check whether the file is still the log of the
    // memory.
    for (const replace of [false, true]) {
      const whole = await replaced();
      let written = false;
      const writer = another(whole, {
        fileSystem: watched(async ({ name }) => {
          if (name === "file.write") written = true;
          else if (written && name === "stat") {
            written = false;
            const other = another(whole);
            await other.compact(ID);
            if (replace) {
              const all = (await other.load(ID)) ?? [];
              await other.save(ID, [...all, { n: 40 }]);
              await other.compact(ID);
            }
          }
          return undefined;
        }),
      });
      const revision = await writer.append(ID, notes(30, 1));
      const stored = [...STORED, ...notes(30, 1), ...(replace ? notes(40, 1) : [])];
      expect(await another(whole).load(ID)).toEqual(stored);
      expect(await another(whole).read(ID, { since: revision })).toMatchObject(
        replace ? { records: stored, reset: true, regressed: false } : { records: [], revision, reset: false },
      );
    }
  });
});
