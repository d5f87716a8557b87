import { copyFileSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { inspect } from "node:util";
import { MemoryError } from "@deep-agent/core";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { encodeHeader } from "../src/header.ts";
import type { FileBackend } from "../src/index.ts";
import { encodeLine, parseLine } from "../src/line.ts";
import { encodeAppend, encodeSave } from "../src/log-writing.ts";
import {
  another,
  eventsDuring,
  filesOf,
  type Note,
  newBackend,
  notes,
  pathOf,
  rejectionOf,
} from "./support/backends.ts";

const ID = "user-alice";
const FLIPS = 2400;
const WRITES = 400;

/** A line of the undamaged sample. */
interface SampleLine {
  offset: number;
  kind: string;
  records: Note[];
}

interface Sample {
  bytes: Buffer;
  lines: SampleLine[];
  /** The revision after the third turn from the end. */
  since: string;
}

let sample: Sample;

function noteTexts(from: number): string[] {
  return [`{"n":${from},"text":"J* the canary [12,"}`, `{"n":${from + 1},"list":["deadbeef",[1700000000,2]]}`];
}

/** Some turns, a save, a lost race, more turns. */
beforeAll(async () => {
  const backend = newBackend();
  const path = pathOf(backend, `${ID}.1.jsonl`);
  const raw = (bytes: Buffer): void => writeFileSync(path, bytes, { flag: "a" });
  const append = (n: number): void => raw(encodeAppend(ID, `op-${n}`, noteTexts(n), statSync(path).size).bytes);
  await backend.append(ID, notes(0, 2));
  append(2);
  raw(encodeSave(ID, "save", [...noteTexts(10), ...noteTexts(12)], statSync(path).size).bytes);
  const seen = statSync(path).size;
  append(14);
  raw(encodeAppend(ID, "lost", noteTexts(90), seen).bytes);
  raw(encodeSave(ID, "lost-save", noteTexts(92), seen).bytes);
  append(16);
  const { revision: since } = (await backend.read(ID)) ?? { revision: "" };
  append(18);
  append(20);
  append(22);
  const bytes = readFileSync(path);
  sample = { bytes, lines: linesOf(bytes), since };
  expect((await backend.load(ID))?.map(({ n }) => n)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
});

function linesOf(bytes: Buffer): SampleLine[] {
  const lines: SampleLine[] = [];
  for (let offset = bytes.indexOf(10); offset !== -1; ) {
    const next = bytes.indexOf(10, offset + 1);
    const line = parseLine(bytes.subarray(offset + 1, next === -1 ? bytes.length : next));
    if (typeof line === "string") throw new Error(`The sample is ${line}.`);
    const { r } = JSON.parse(line.payload) as { r: Note[] };
    if (line.start === offset) lines.push({ offset, kind: line.kind, records: r });
    offset = next;
  }
  return lines;
}

/** The content of the log without the lines that were reported as missing. */
function contentWithout(missing: ReadonlySet<number>): Note[] {
  let records: Note[] = [];
  let parts: Note[] = [];
  for (const line of sample.lines) {
    if (missing.has(line.offset)) continue;
    if (line.kind === "part") parts.push(...line.records);
    else if (line.kind === "save") [records, parts] = [parts, []];
    else records = [...records, ...line.records];
  }
  return records;
}

/** Random numbers that are the same in each run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The sample with one bit, or one whole byte, changed. */
function damaged(random: () => number): Buffer {
  const bytes = Buffer.from(sample.bytes);
  const at = Math.floor(random() * bytes.length);
  const change = random() < 0.6 ? 1 << Math.floor(random() * 8) : 1 + Math.floor(random() * 255);
  bytes[at] = random() < 0.05 ? 10 : (bytes[at] ?? 0) ^ change;
  return bytes;
}

type Class = "right" | "corrupt" | "torn" | "silent";

const reads: [string, (backend: FileBackend<Note>) => Promise<Note[]>, (content: Note[]) => Note[]][] = [
  ["all", async (backend) => (await backend.load(ID)) ?? [], (content) => content],
  ["window", async (backend) => (await backend.read(ID, { last: 5 }))?.records ?? [], (content) => content.slice(-6)],
  ["since", known, (content) => content],
  ["pages", (backend) => allPages(backend), (content) => content],
];

/** The records that a reader has who knew the log up to `since`. */
async function known(backend: FileBackend<Note>): Promise<Note[]> {
  const { records, reset } = (await backend.read(ID, { since: sample.since })) ?? { records: [], reset: true };
  return reset ? records : [...contentWithout(new Set()).filter(({ n }) => n < 18), ...records];
}

async function allPages(backend: FileBackend<Note>): Promise<Note[]> {
  let page = await backend.read(ID, { last: 3 });
  let records = page?.records ?? [];
  while (page != null && page.start !== null) {
    page = await backend.read(ID, { last: 3, before: page.start });
    records = page?.reset ? (page?.records ?? []) : [...(page?.records ?? []), ...records];
  }
  return records;
}

async function classify(backend: FileBackend<Note>, [, read, part]: (typeof reads)[number]): Promise<Class> {
  const path = pathOf(backend, `${ID}.1.jsonl`);
  let outcome: "none" | "right" | "corrupt" = "none" as "none" | "right" | "corrupt";
  const missing = new Set<number>();
  let records: Note[] = [];
  const events = await eventsDuring(async () => {
    try {
      records = await read(backend);
      outcome = "right";
    } catch (error) {
      if (!MemoryError.is(error, "CORRUPT") || !/byte \d+ of /.test(error.message)) throw error;
      expect(error).toMatchObject({ memoryId: ID, backend: "file", outcome: "not-applied", retryable: false });
      expect(error.message).toContain(path);
      expect(error.message).toContain(JSON.stringify(ID));
      expect(inspect(error, { depth: 10 })).not.toContain("canary");
      outcome = "corrupt";
    }
  });
  if (outcome === "corrupt") return "corrupt";
  for (const event of events) {
    const [, offset] = (event.type === "warning" && /torn write at byte (\d+) of/.exec(event.detail)) || [];
    if (offset !== undefined) missing.add(Number(offset));
  }
  const same = (content: Note[]): boolean => JSON.stringify(records) === JSON.stringify(part(content));
  if (same(contentWithout(new Set()))) return "right";
  return missing.size > 0 && same(contentWithout(missing)) ? "torn" : "silent";
}

describe("damage is always reported", () => {
  it(`in ${FLIPS} flips of a bit or a byte, each read in four ways`, async () => {
    const random = seeded(20261122);
    const backend = newBackend();
    await backend.ping();
    const path = pathOf(backend, `${ID}.1.jsonl`);
    const counts: Record<string, Record<Class, number>> = {};
    for (const [name] of reads) counts[name] = { right: 0, corrupt: 0, torn: 0, silent: 0 };
    for (let flip = 0; flip < FLIPS; flip++) {
      writeFileSync(path, damaged(random));
      const fresh = another(backend);
      for (const read of reads) {
        const found = await classify(fresh, read);
        const count = counts[read[0]];
        if (count !== undefined) count[found] += 1;
      }
    }
    console.info("Flips, by what each read made of them:", counts);
    for (const [name] of reads) {
      expect(counts[name]?.silent).toBe(0);
      expect(counts[name]?.corrupt).toBeGreaterThan(FLIPS / 8);
    }
    // A read can notice damage only in the part that it reads. The first one reads everything.
    expect(counts["all"]?.right ?? 0).toBeLessThan(counts["window"]?.right ?? 0);
    expect((counts["all"]?.corrupt ?? 0) + (counts["all"]?.torn ?? 0)).toBeGreaterThan(FLIPS / 2);
  });

  it(`and a write makes no damage worse: ${WRITES} flips`, async () => {
    const random = seeded(7);
    const backend = newBackend();
    await backend.ping();
    const path = pathOf(backend, `${ID}.1.jsonl`);
    let refused = 0;
    for (let flip = 0; flip < WRITES; flip++) {
      const before = damaged(random);
      writeFileSync(path, before);
      const headerIsWhole = before
        .subarray(0, sample.bytes.indexOf(10) + 1)
        .equals(sample.bytes.subarray(0, sample.bytes.indexOf(10) + 1));
      if (!headerIsWhole) continue;
      const readable = (): Promise<Note[] | null> => another(backend, { onCorrupt: "skip" }).load(ID);
      const old = (await readable()) ?? [];
      const fresh = another(backend);
      try {
        await fresh.append(ID, notes(100, 2), flip % 2 === 0 ? {} : { since: sample.since });
        expect(await readable()).toEqual([...old, ...notes(100, 2)]);
        expect(readFileSync(path).subarray(0, before.length)).toEqual(before);
      } catch (error) {
        if (!MemoryError.is(error)) throw error;
        refused += 1;
        expect(["CORRUPT", "CONFLICT"]).toContain(error.code);
        expect(error.outcome).toBe("not-applied");
        expect(readFileSync(path)).toEqual(before);
      }
    }
    expect(refused).toBeGreaterThan(WRITES / 4);
    expect(refused).toBeLessThan(WRITES);
  });
});

/** A backend whose log of `ID` has these bytes. */
async function holding(
  bytes: Buffer | string,
  options: { onCorrupt?: "throw" | "skip" } = {},
): Promise<FileBackend<Note>> {
  const backend = newBackend(options);
  await backend.ping();
  writeFileSync(pathOf(backend, `${ID}.1.jsonl`), bytes);
  return backend;
}

/** The bytes of the sample after its lines were changed by `edit`. */
function edited(edit: (lines: string[]) => string[]): string {
  return edit(sample.bytes.toString().split("\n")).join("\n");
}

describe("a file that was edited by hand is CORRUPT, not shorter", () => {
  const count = 13; // lines of the sample after the header

  it.each(Array.from({ length: count }, (_, index) => index + 1))(
    "line %i deleted, moved, doubled, or another one put before it",
    async (at) => {
      const last = sample.bytes.toString().split("\n").length - 1;
      expect(last).toBeGreaterThanOrEqual(count);
      const edits: [string, (lines: string[]) => string[]][] = [
        ["deleted", (lines) => lines.toSpliced(at, 1)],
        ["moved to the end", (lines) => [...lines.toSpliced(at, 1), lines[at] ?? ""]],
        ["doubled", (lines) => lines.toSpliced(at, 0, lines[at] ?? "")],
        ["copied to the end", (lines) => [...lines, lines[at] ?? ""]],
        ["text before it", (lines) => lines.toSpliced(at, 0, "a note to myself")],
        ["JSON before it", (lines) => lines.toSpliced(at, 0, '{"t":"x","at":1,"r":[]}')],
        ["changed", (lines) => lines.with(at, (lines[at] ?? "").replace('"r":[', '"r":[ '))],
      ];
      for (const [what, edit] of edits) {
        const text = edited(edit);
        if (text === sample.bytes.toString()) continue; // the last line, moved to the end
        // Only a reader that knew the lines cut off at the end can notice that they are missing.
        if (what === "deleted" && at === last) continue;
        const backend = await holding(text);
        const found = await backend.load(ID).then(
          (records) => (JSON.stringify(records) === JSON.stringify(contentWithout(new Set())) ? "whole" : "changed"),
          (error: MemoryError) => error.code,
        );
        // A copy of a line that lost a race looks like such a line, too.
        const isHarmless = what === "copied to the end" && at >= 9 && at <= 12;
        expect([what, found]).toEqual([what, isHarmless ? expect.stringMatching("whole|CORRUPT") : "CORRUPT"]);
      }
    },
  );

  it("and a line deleted at the end is noticed by a reader that knew it", async () => {
    const backend = await holding(sample.bytes);
    const { revision } = (await backend.read(ID)) ?? { revision: "" };
    writeFileSync(
      pathOf(backend, `${ID}.1.jsonl`),
      edited((lines) => lines.slice(0, -1)),
    );
    expect(await backend.read(ID, { since: revision })).toMatchObject({ reset: true, regressed: true });
  });

  it("but a newline at its end, as editors add one, does no harm", async () => {
    const backend = await holding(`${sample.bytes}\n`);
    const all = contentWithout(new Set());
    expect(await backend.load(ID)).toEqual(all);
    await backend.append(ID, notes(100, 1));
    await backend.append(ID, notes(101, 1));
    expect(await another(backend).load(ID)).toEqual([...all, ...notes(100, 2)]);
  });
});

describe("a file that is not this memory's log is CORRUPT", () => {
  /** The errors of all calls that need the log. */
  const refusals = (backend: FileBackend<Note>): Promise<unknown[]> =>
    Promise.all(
      [backend.load(ID), backend.append(ID, notes(0, 1)), backend.save(ID, []), backend.info(ID)].map(rejectionOf),
    );
  const refusal = (problem: string): unknown[] =>
    Array.from({ length: 4 }, () =>
      expect.objectContaining({ code: "CORRUPT", outcome: "not-applied", message: expect.stringContaining(problem) }),
    );

  it("of another version of the layout", async () => {
    const header = encodeLine("log", 0, JSON.stringify({ format: 2, id: ID, epoch: "e", at: 1 }));
    expect(await refusals(await holding(header))).toEqual(refusal("it has format 2, and this version reads 1"));
  });

  it("but another memory's, copied to its name", async () => {
    const backend = newBackend();
    await backend.append("bob", notes(0, 1));
    copyFileSync(pathOf(backend, "bob.1.jsonl"), pathOf(backend, `${ID}.1.jsonl`));
    expect(await refusals(backend)).toEqual(refusal('it is the log of memory "bob"'));
    expect(await backend.load("bob")).toEqual(notes(0, 1));
  });

  it("but that of another memory with a long id, which only its header holds", async () => {
    const backend = newBackend();
    await backend.append("x".repeat(1000), notes(0, 1));
    const [name = ""] = filesOf(backend);
    renameSync(
      pathOf(backend, name),
      pathOf(
        backend,
        name.replace(/~./, (start) => (start === "~0" ? "~1" : "~0")),
      ),
    );
    await expect(backend.list()).rejects.toMatchObject({ code: "CORRUPT" });
  });

  it.each(["", "\n", "hello", "{}", '{"messages":[]}\n'])("but not a log at all: %j", async (text) => {
    expect(await refusals(await holding(text))).toEqual(refusal("its header is damaged or incomplete"));
  });

  it("or that begins with another line", async () => {
    const header = encodeHeader(ID, "e", 1);
    expect(await refusals(await holding(encodeAppend(ID, "x", ['{"n":1}'], header.length).bytes.subarray(1)))).toEqual(
      refusal("its header is damaged or incomplete"),
    );
  });
});

describe('with onCorrupt "skip"', () => {
  /** The sample with one letter changed in the line of record 18. */
  function withDamage(): { bytes: Buffer; offset: number; raw: Buffer } {
    const bytes = Buffer.from(sample.bytes);
    const at = bytes.indexOf('{"n":18');
    const offset = bytes.lastIndexOf(10, at);
    bytes[at + 2] = 120;
    return { bytes, offset, raw: bytes.subarray(offset + 1, bytes.indexOf(10, at)) };
  }

  it("the rest is read, and the raw line is reported, and copied to a file that is deleted with the memory", async () => {
    const { bytes, offset, raw } = withDamage();
    const backend = await holding(bytes, { onCorrupt: "skip" });
    const name = `${ID}.1.jsonl.${offset}.corrupt`;
    const events = await eventsDuring(async () => {
      expect(await backend.load(ID)).toEqual(contentWithout(new Set([offset])));
    });
    expect(events).toEqual([
      {
        type: "warning",
        backend: "file",
        memoryId: ID,
        detail: expect.stringContaining(
          `at byte ${offset} of ${pathOf(backend, `${ID}.1.jsonl`)}, and copied it to ${pathOf(backend, name)}`,
        ),
      },
    ]);
    expect(readFileSync(pathOf(backend, name))).toEqual(raw);
    expect(statSync(pathOf(backend, name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(pathOf(backend, `${ID}.1.jsonl`))).toEqual(bytes);

    await backend.append(ID, notes(100, 1));
    expect((await backend.load(ID))?.at(-1)).toEqual({ n: 100 });
    expect(filesOf(backend)).toHaveLength(2);
    expect(await backend.list()).toEqual([ID]);
    await backend.delete(ID);
    expect(filesOf(backend)).toEqual([`${ID}.2.jsonl`]);
  });

  it("another reader of the same file still throws", async () => {
    const backend = await holding(withDamage().bytes, { onCorrupt: "skip" });
    await backend.load(ID);
    await expect(another(backend).load(ID)).rejects.toMatchObject({ code: "CORRUPT" });
  });

  it("a damaged header still throws: the memory of its lines is unknown", async () => {
    const bytes = Buffer.from(sample.bytes);
    bytes[10] = 0;
    await expect((await holding(bytes, { onCorrupt: "skip" })).load(ID)).rejects.toMatchObject({ code: "CORRUPT" });
  });
});

describe("a damaged memory blocks no other call", () => {
  it.each(["throw", "skip"] as const)("it is listed and can be deleted (onCorrupt %j)", async (onCorrupt) => {
    const backend = newBackend({ onCorrupt });
    for (const id of ["fine", ID]) {
      await backend.append(id, notes(0, 1));
      await backend.delete(id);
      await backend.append(id, [{ n: 1, text: "canary" }]);
    }
    const path = pathOf(backend, `${ID}.2.jsonl`);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf("canary")] = 120;
    writeFileSync(path, bytes);
    const fresh = another(backend, { onCorrupt });
    expect((await fresh.list()).sort()).toEqual(["fine", ID]);
    expect((await fresh.recent({ limit: 9 })).memories.map(({ memoryId }) => memoryId).sort()).toEqual(["fine", ID]);
    await fresh.delete(ID);
    expect(filesOf(backend)).toEqual(["fine.2.jsonl", `${ID}.3.jsonl`]);
    expect(await fresh.list()).toEqual(["fine"]);
    await fresh.append(ID, notes(5, 1));
    expect(await fresh.load(ID)).toEqual(notes(5, 1));
  });
});
