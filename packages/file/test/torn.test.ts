import { readFileSync, statSync, writeFileSync } from "node:fs";
import type { BackendEvent } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import type { FileBackend } from "../src/index.ts";
import { another, eventsDuring, type Note, newBackend, notes, pathOf } from "./support/backends.ts";

const ID = "user-alice";

function logOf(backend: { directory: string }): string {
  return pathOf(backend, `${ID}.1.jsonl`);
}

function sizeOf(backend: { directory: string }): number {
  return statSync(logOf(backend)).size;
}

/** A turn of the size of a short question and its answer. */
function turn(n: number): Note[] {
  return [
    { n, text: `What is "${n}"?\n` },
    { n: n + 1, text: `It is 語 ${n}, [12, "deadbeef"], and so on.` },
  ];
}

function tornOf(events: readonly BackendEvent[]): string[] {
  return events.flatMap((event) => (event.type === "warning" && event.detail.includes("torn") ? [event.detail] : []));
}

/** A memory after some writes, the bytes of its file, and the size of the file after each write. */
async function written(
  writes: ((backend: FileBackend<Note>) => Promise<unknown>)[],
): Promise<{ backend: FileBackend<Note>; bytes: Buffer; sizes: number[] }> {
  const backend = newBackend();
  const sizes: number[] = [];
  for (const write of writes) {
    await write(backend);
    sizes.push(sizeOf(backend));
  }
  return { backend, bytes: readFileSync(logOf(backend)), sizes };
}

describe("a write that was cut short is skipped, and nothing else is", () => {
  it.each([
    ["nothing", Buffer.alloc(0)],
    ["bytes that were allocated but never written", Buffer.alloc(64)],
  ])("cut at every byte of the last two turns, with %s after it", async (_what, fill) => {
    const turns = [0, 2, 4, 6];
    const { backend, bytes, sizes } = await written(turns.map((n) => (one) => one.append(ID, turn(n))));
    const firstCut = sizes[1] ?? 0;
    expect(bytes.length - firstCut).toBeGreaterThan(300);
    for (let cut = firstCut; cut <= bytes.length; cut++) {
      writeFileSync(
        logOf(backend),
        Buffer.concat([bytes.subarray(0, cut), cut === bytes.length ? Buffer.alloc(0) : fill]),
      );
      const whole = sizes.filter((size) => size <= cut).length;
      const complete = turns.slice(0, whole).flatMap(turn);
      const fresh = another(backend);
      expect(await fresh.load(ID)).toEqual(complete);
      expect((await fresh.read(ID, { last: 1 }))?.records).toEqual(turn(turns[whole - 1] ?? -1));

      const { revision } = (await fresh.read(ID)) ?? { revision: "" };
      await fresh.append(ID, turn(100), { since: revision });
      await backend.append(ID, turn(102));
      let after: unknown;
      const events = await eventsDuring(async () => {
        after = await another(backend).load(ID);
      });
      expect(after).toEqual([...complete, ...turn(100), ...turn(102)]);
      expect(await backend.read(ID, { since: revision })).toMatchObject({
        records: [...turn(100), ...turn(102)],
        reset: false,
        regressed: false,
      });
      const isTorn = !sizes.includes(cut);
      // Bytes that were never written, without a newline before them, are not a line.
      expect(tornOf(events)).toHaveLength(isTorn ? 1 : 0);
      if (isTorn) expect(tornOf(events)[0]).toContain(`at byte ${sizes[whole - 1]} of ${logOf(backend)}`);
    }
  });

  it("a save with all its records, wherever it was cut", async () => {
    const { backend, bytes, sizes } = await written([
      (one) => one.append(ID, turn(0)),
      (one) => one.save(ID, turn(2)),
      (one) => one.append(ID, turn(4)),
      (one) => one.save(ID, [...turn(6), ...turn(8)]),
    ]);
    const [, , before = 0, end = 0] = sizes;
    for (let cut = before; cut < end; cut++) {
      writeFileSync(logOf(backend), bytes.subarray(0, cut));
      const fresh = another(backend);
      expect(await fresh.load(ID)).toEqual([...turn(2), ...turn(4)]);
      await fresh.append(ID, turn(10));
      expect(await backend.load(ID)).toEqual([...turn(2), ...turn(4), ...turn(10)]);
      expect((await backend.read(ID, { last: 3 }))?.records).toEqual([...turn(4), ...turn(10)]);
      expect((await backend.info(ID))?.records).toBe(6);
      await backend.save(ID, turn(12));
      expect(await fresh.load(ID)).toEqual(turn(12));
    }
  });

  it("the first write after a delete, so that the memory is still absent", async () => {
    const backend = newBackend();
    await backend.append(ID, turn(0));
    await backend.delete(ID);
    await backend.append(ID, [{ n: 1, text: "canary" }]);
    const path = pathOf(backend, `${ID}.2.jsonl`);
    const bytes = readFileSync(path);
    const header = bytes.indexOf("\n");
    for (let cut = header; cut < bytes.length; cut += 7) {
      writeFileSync(path, bytes.subarray(0, cut));
      const fresh = another(backend);
      expect(await fresh.load(ID)).toBeNull();
      expect(await fresh.list()).toEqual([]);
      await fresh.append(ID, turn(4), { since: null, expectedRevision: null });
      expect(await backend.load(ID)).toEqual(turn(4));
    }
    // A torn line holds text of the memory, too, and is deleted with it.
    writeFileSync(path, bytes.subarray(0, bytes.length - 1));
    await another(backend).delete(ID);
    expect(readFileSync(pathOf(backend, `${ID}.3.jsonl`)).includes("canary")).toBe(false);
  });

  it("a read since an earlier revision says so if acknowledged bytes are gone", async () => {
    const { backend, bytes } = await written([(one) => one.append(ID, turn(0)), (one) => one.append(ID, turn(2))]);
    const { revision } = (await backend.read(ID)) ?? { revision: "" };
    writeFileSync(logOf(backend), bytes.subarray(0, bytes.length - 1));
    expect(await backend.read(ID, { since: revision })).toMatchObject({
      records: turn(0),
      reset: true,
      regressed: true,
    });
  });
});

describe("bytes that the system allocated after a whole line, but never filled, are ignored", () => {
  it("and the revision of the line stays the same", async () => {
    const backend = newBackend();
    const acknowledged = await backend.append(ID, notes(0, 2));
    writeFileSync(logOf(backend), Buffer.alloc(3000), { flag: "a" });
    const { revision } = (await another(backend).read(ID)) ?? { revision: "" };
    expect(revision).toBe(acknowledged);
    expect(await backend.read(ID, { since: revision })).toMatchObject({ records: [], reset: false, regressed: false });
    await another(backend).append(ID, notes(2, 1), { since: revision, expectedRevision: revision });
    expect(await backend.read(ID, { since: revision })).toMatchObject({ records: notes(2, 1), regressed: false });
    expect(await backend.load(ID)).toEqual(notes(0, 3));
  });
});

describe("lines that lost a race are skipped without a warning", () => {
  it("appends and saves alike, even if their writer saw the file while another one still wrote to it", async () => {
    const { encodeAppend, encodeSave } = await import("../src/log-writing.ts");
    const backend = newBackend();
    await backend.append(ID, notes(0, 1));
    const seen = sizeOf(backend);
    await backend.append(ID, [{ n: 1, text: "x".repeat(20_000) }]);
    const page = Math.ceil((seen + 1) / 4096) * 4096;
    const texts = ['{"n":7}', '{"n":8}', '{"n":9}'];
    for (const start of [seen, page]) {
      writeFileSync(logOf(backend), encodeAppend(ID, "late", texts, start).bytes, { flag: "a" });
      writeFileSync(logOf(backend), encodeSave(ID, "later", texts, start).bytes, { flag: "a" });
      const save = encodeSave(ID, "torn", texts, start).bytes;
      writeFileSync(logOf(backend), save.subarray(0, save.lastIndexOf("\n")), { flag: "a" });
    }
    const events = await eventsDuring(async () => {
      expect((await another(backend).load(ID))?.map(({ n }) => n)).toEqual([0, 1]);
      await backend.append(ID, notes(2, 1));
      expect((await another(backend).load(ID))?.map(({ n }) => n)).toEqual([0, 1, 2]);
      // Neither was made: the operation may be tried again.
      await backend.append(ID, notes(3, 1), { operationId: "late", since: null }).then(
        () => expect("no CONFLICT").toBe(""),
        (error) => expect(error).toMatchObject({ code: "CONFLICT" }),
      );
    });
    expect(events).toEqual([]);
  });
});
