import { readFileSync, statSync, writeFileSync } from "node:fs";
import { MemoryError, type Revision } from "@deep-agent/core";
import { beforeAll, describe, expect, it } from "@jest/globals";
import type { FileBackend } from "../src/index.ts";
import { parseLine } from "../src/line.ts";
import { encodeAppend } from "../src/log-writing.ts";
import { another, eventsDuring, type Note, newBackend, notes, pathOf } from "./support/backends.ts";
import { Random } from "./support/model/random.ts";

const ID = "user-alice";
const FLIPS = 1000;
const path = (backend: { directory: string }): string => pathOf(backend, `${ID}.1.jsonl`);

/** A log of several segments that was compacted twice, and has grown since. */
let bytes: Buffer;
/** The revision after the first turn that was carried over. */
let since: Revision;

beforeAll(async () => {
  const backend = newBackend({ compactAt: false });
  const lose = (generation: number): void => {
    const file = pathOf(backend, `${ID}.${generation}.jsonl`);
    const line = encodeAppend(ID, "torn", ['{"n":98}'], statSync(file).size).bytes.subarray(0, -9);
    writeFileSync(file, line, { flag: "a" });
  };
  await backend.save(ID, [{ n: 0, text: "replaced".repeat(100) }], { operationId: "replaced" });
  await backend.save(ID, notes(10, 2));
  since = await backend.append(ID, notes(12, 2));
  lose(1);
  await backend.append(ID, notes(14, 2));
  await backend.compact(ID);
  await backend.append(ID, notes(16, 2));
  lose(2);
  await backend.append(ID, notes(18, 2));
  await backend.compact(ID);
  await backend.append(ID, notes(20, 2));
  bytes = readFileSync(pathOf(backend, `${ID}.3.jsonl`));
  // The content of a file does not depend on its name.
  expect(await (await holding(bytes)).load(ID)).toEqual(notes(10, 12));
});

async function holding(content: Buffer | string): Promise<FileBackend<Note>> {
  const backend = newBackend();
  await backend.ping();
  writeFileSync(path(backend), content);
  return backend;
}

/** The records of all lines except those that begin at these bytes of the file. */
function contentWithout(missing: readonly number[]): Note[] {
  let records: Note[] = [];
  for (let at = bytes.indexOf(10); at !== -1; ) {
    const next = bytes.indexOf(10, at + 1);
    const line = parseLine(bytes.subarray(at + 1, next === -1 ? bytes.length : next));
    if (typeof line === "string") throw new Error(`The sample is ${line}.`);
    const { r = [] } = JSON.parse(line.payload) as { r?: Note[] };
    if (!missing.includes(at)) records = [...records, ...r];
    at = next;
  }
  return records;
}

/** What a load answers: the records, or `CORRUPT`; and the torn lines that it reports. */
async function loadOf(backend: FileBackend<Note>): Promise<{ found: Note[] | null | "CORRUPT"; torn: number[] }> {
  let found: Note[] | null | "CORRUPT" = null;
  const events = await eventsDuring(async () => {
    try {
      found = await another(backend).load(ID);
    } catch (error) {
      if (!MemoryError.is(error, "CORRUPT")) throw error;
      expect(error.message).toMatch(/at byte \d+ of /);
      found = "CORRUPT";
    }
  });
  const torn = events.flatMap((event) => {
    const [, at] = (event.type === "warning" && /torn write at byte (\d+) of/.exec(event.detail)) || [];
    return at === undefined ? [] : [Number(at)];
  });
  return { found, torn };
}

describe("damage to a compacted file is always reported", () => {
  it(`in ${FLIPS} flips of a bit`, async () => {
    const random = new Random(7);
    const backend = await holding(bytes);
    let corrupt = 0;
    for (let flip = 0; flip < FLIPS; flip++) {
      const damaged = Buffer.from(bytes);
      const at = random.below(bytes.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
      writeFileSync(path(backend), damaged);
      const { found, torn } = await loadOf(backend);
      if (found === "CORRUPT") corrupt += 1;
      else expect([at, found]).toEqual([at, contentWithout(torn)]);
    }
    expect(corrupt).toBeGreaterThan(FLIPS * 0.9);
  });

  it("in a line deleted, doubled, or put before another", async () => {
    const lines = bytes.toString().split("\n");
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at] ?? "";
      for (const edited of [lines.toSpliced(at, 1), lines.toSpliced(at, 0, line), lines.toSpliced(at, 0, "a note")]) {
        const { found } = await loadOf(await holding(edited.join("\n")));
        // Only a reader that knew the lines cut off at the end can notice that they are missing.
        const isCut = at === lines.length - 1 && edited.length < lines.length;
        expect([at, found]).toEqual([at, isCut ? notes(10, 10) : "CORRUPT"]);
      }
    }
  });
});

describe("a file that was cut after it was compacted", () => {
  it("at any byte is CORRUPT, or holds the rest, can be written to, and says so to a reader that knew more", async () => {
    const all = await holding(bytes);
    const { revision } = (await all.read(ID)) ?? { revision: "" };
    const lengths = new Set<number>();
    let corrupt = 0;
    for (let length = 1; length < bytes.length; length++) {
      const backend = await holding(bytes.subarray(0, length));
      const { found } = await loadOf(backend);
      if (found === "CORRUPT") {
        corrupt += 1;
        continue;
      }
      const left = found ?? [];
      expect([length, left]).toEqual([length, notes(10, left.length)]);
      lengths.add(left.length);
      if (found !== null)
        expect(await another(backend).read(ID, { since: revision })).toMatchObject({ reset: true, regressed: true });
      if (left.length >= 4)
        expect((await another(backend).read(ID, { since }))?.records).toEqual(notes(14, left.length - 4));
      const one = await backend.append(ID, notes(50, 1));
      await another(backend).append(ID, notes(51, 1), { since: one, expectedRevision: one });
      expect([length, await another(backend).load(ID)]).toEqual([length, [...left, ...notes(50, 2)]]);
      if (length % 50 !== 0) continue;
      await backend.compact(ID);
      expect([length, await another(backend).load(ID)]).toEqual([length, [...left, ...notes(50, 2)]]);
    }
    expect([...lengths]).toEqual([0, 2, 4, 6, 8, 10]);
    expect(corrupt).toBeLessThan(bytes.indexOf('"part"'));
  });
});
