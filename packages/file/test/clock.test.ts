import { utimesSync } from "node:fs";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import type { FileBackend } from "../src/index.ts";
import { another, filesOf, type Note, newBackend, notes, pathOf } from "./support/backends.ts";
import { watched } from "./support/watched-file-system.ts";

const ID = "user-alice";
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** How far the clock is from the true time: ms. */
let shift = 0;
const trueNow = Date.now;
const trueCounter = performance.now.bind(performance);

/** Makes all clocks of this process wrong by this many ms. */
function setClock(ms: number): void {
  shift = ms;
  jest.spyOn(Date, "now").mockImplementation(() => trueNow() + shift);
  jest.spyOn(performance, "now").mockImplementation(() => trueCounter() + shift);
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe("a clock that jumps changes neither the stored records nor their order", () => {
  it.each([-HOUR, -400 * DAY, DAY, 400 * DAY])("by %i ms between two turns", async (jump) => {
    const backend = newBackend();
    await backend.append(ID, notes(0, 2));
    const { revision } = (await backend.read(ID)) ?? { revision: "" };
    setClock(jump);
    await backend.append(ID, notes(2, 2), { operationId: "op", since: revision });
    setClock(0);
    await another(backend).append(ID, notes(2, 2), { operationId: "op", since: revision });
    setClock(jump);
    expect(await another(backend).load(ID)).toEqual(notes(0, 4));
    expect(await another(backend).read(ID, { last: 1 })).toMatchObject({ records: notes(2, 2) });
    expect(await another(backend).read(ID, { since: revision })).toMatchObject({
      records: notes(2, 2),
      reset: false,
      regressed: false,
    });
    await backend.save(ID, notes(7, 2));
    setClock(0);
    expect(await another(backend).load(ID)).toEqual(notes(7, 2));
    expect(await another(backend).info(ID)).toMatchObject({ records: 2 });
  });

  it("files with a time in the future are listed, written to and deleted like any other", async () => {
    const backend = newBackend();
    const tomorrow = (): void => {
      for (const name of filesOf(backend))
        utimesSync(pathOf(backend, name), (trueNow() + DAY) / 1000, (trueNow() + DAY) / 1000);
    };
    await backend.append("bob", notes(0, 1));
    tomorrow();
    await backend.append(ID, notes(0, 1));
    const { memories } = await backend.recent({ limit: 9 });
    expect(memories.map(({ memoryId }) => memoryId)).toEqual(["bob", ID]);
    await backend.append("bob", notes(1, 1));
    expect(await another(backend).load("bob")).toEqual(notes(0, 2));
    await backend.delete("bob");
    tomorrow();
    expect(await another(backend).list()).toEqual([ID]);
    await backend.append("bob", notes(5, 1), { since: null });
    expect(await another(backend).load("bob")).toEqual(notes(5, 1));
  });
});

describe("if a clock jumps ahead, a sweep may remove a file in use, but nothing is lost", () => {
  /**
   * Another process, whose clock is days ahead, deletes the memory, sweeps the file that this left, and makes it again.
   */
  async function deleteSweepAndBegin(backend: FileBackend<Note>): Promise<void> {
    await another(backend).delete(ID);
    setClock(2 * DAY);
    await another(backend).list();
    expect(filesOf(backend).filter((name) => !name.endsWith(".tmp"))).toEqual([]);
    setClock(-HOUR);
    await another(backend).append(ID, notes(7, 1));
  }

  it.each(["append", "save"] as const)("between any two steps of an %s", async (method) => {
    let steps = Number.POSITIVE_INFINITY;
    let passed = 0;
    for (let step = 0; step < steps; step++) {
      for (const knows of [true, false]) {
        setClock(0);
        const whole = newBackend();
        await whole.append(ID, notes(0, 1));
        let made = -1;
        let at = "";
        const writer = another(whole, {
          fileSystem: watched(async ({ name }) => {
            if (made < 0 || made++ !== step) return undefined;
            at = name;
            await deleteSweepAndBegin(whole);
            return undefined;
          }),
        });
        if (knows) await writer.load(ID);
        made = 0;
        await (method === "append" ? writer.append(ID, notes(1, 1)) : writer.save(ID, notes(1, 1)));
        const stored = await another(whole).load(ID);
        // Before the file is closed, the file and its name are checked once more, at the same time. A write that passes
        // this check was stored before the memory was deleted.
        const isOver = at !== "stat" && made <= step + 3;
        const begun = method === "append" ? [...notes(7, 1), ...notes(1, 1)] : notes(1, 1);
        expect([step, stored]).toEqual([step, isOver ? notes(7, 1) : begun]);
        if (at === "file.close" && isOver) steps = made;
        expect(await writer.load(ID)).toEqual(stored);
        expect(filesOf(whole)).toHaveLength(1);
        passed += 1;
      }
    }
    expect(passed).toBeGreaterThan(16);
  });
});
