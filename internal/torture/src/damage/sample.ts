import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Revision } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";
import { Random } from "../random.ts";

/** A record: one half of an entry of two records, for example. */
export interface Note {
  entry: number;
  part: number;
  of: number;
  text: string;
}

/** A line of the undamaged file. Places are in bytes. */
interface SampleLine {
  /** The place of the newline before the line. */
  begin: number;
  end: number;
  kind: "entry" | "part" | "save";
  records: Note[];
}

/** A memory's file, and what is known about it. */
export interface Sample {
  memoryId: string;
  fileName: string;
  bytes: Buffer;
  /** The length of the header, in bytes. */
  begin: number;
  /** The lines without the header. */
  lines: readonly SampleLine[];
  /** The revisions that a reader has seen, each with the end of the log at that time. */
  revisions: readonly { revision: Revision; end: number }[];
}

const MEMORY = "user-alice";
const BEFORE_SAVE = 10;
const IN_SAVE = 6;
const BEHIND_SAVE = 44;

/** An entry of one to three records, most of them short. The numbers determine the text. */
export function entryOf(entry: number, random: Random): Note[] {
  const of = random.between(1, 3);
  return Array.from({ length: of }, (_, part) => {
    const length = random.chance(0.04) ? random.between(300, 1500) : random.between(0, 30);
    const text = `J* 語 "${entry}.${part}" [12,"deadbeef"]\n`.repeat(Math.ceil(length / 30));
    return { entry, part, of, text };
  });
}

/** Sixty entries, a save among them. */
export async function makeSample(seed: number): Promise<Sample> {
  const random = new Random(seed, "sample");
  const directory = await mkdtemp(join(tmpdir(), "deep-agent-torture-"));
  const fileName = `${MEMORY}.1.jsonl`;
  const bytes = (): Buffer => readFileSync(join(directory, fileName));
  try {
    const backend = new FileBackend<Note>({ directory, durability: "os" });
    const revisions: { revision: Revision; end: number }[] = [];
    const append = async (entry: number): Promise<void> => {
      const revision = await backend.append(MEMORY, entryOf(entry, random), { operationId: `op-${entry}` });
      revisions.push({ revision, end: bytes().length });
    };
    for (let entry = 0; entry < BEFORE_SAVE; entry++) await append(entry);
    const saved = Array.from({ length: IN_SAVE }, (_, part) => ({
      entry: BEFORE_SAVE + BEHIND_SAVE + part,
      part: 0,
      of: 1,
      text: `saved ${part}`,
    }));
    await backend.save(MEMORY, saved, { operationId: "save" });
    for (let entry = 0; entry < BEHIND_SAVE; entry++) await append(BEFORE_SAVE + entry);
    return { memoryId: MEMORY, fileName, bytes: bytes(), revisions, ...linesOf(bytes()) };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Parses the file as the package's README describes it. */
function linesOf(bytes: Buffer): Pick<Sample, "begin" | "lines"> {
  const begin = bytes.indexOf("\n");
  const lines: SampleLine[] = [];
  for (let at = begin; at !== -1; ) {
    const next = bytes.indexOf("\n", at + 1);
    const end = next === -1 ? bytes.length : next;
    const [, start, kind, { r: records }] = JSON.parse(bytes.toString("utf8", at + 1, end)) as Json;
    if (start !== at) throw new Error(`The line at ${at} says that it begins at ${start}.`);
    lines.push({ begin: at, end, kind, records });
    at = next;
  }
  return { begin, lines };
}

/** The JSON in the sample's lines. */
type Json = [length: number, start: number, kind: SampleLine["kind"], payload: { r: Note[] }, crc: string];

/** The entries of the log that these lines make; `null` if they do not make a log. */
export function contentOf(lines: readonly SampleLine[]): Note[][] | null {
  let entries: Note[][] | null = null;
  let parts: Note[][] = [];
  for (const { kind, records } of lines) {
    if (kind === "part") parts.push(records);
    else if (kind === "save") [entries, parts] = [parts, []];
    else entries = [...(entries ?? []), records];
  }
  return entries;
}
