import type { Message } from "@deep-agent/core";

/** An append or a save, as it stands in a file. */
export interface StoredEntry {
  operationId: string;
  saved: boolean;
  messages: Message[];
}

export interface StoredLog {
  /** `null`: there is no such memory. */
  entries: StoredEntry[] | null;
  /** The operation id of the save with which the log begins; `""`: it does not begin with a save. */
  savedBy: string;
  epoch: string;
  /** The lines that count, or once counted, by their place in the log. */
  lines: ReadonlyMap<number, string>;
  /** The place at which the log begins, in a file that succeeds another one. */
  from: number;
  /** The place after the newest line that counts. */
  end: number;
}

/**
 * Reads the only memory in a directory, as naively as the description of the layout allows: the whole highest
 * generation, from its first line to its last. Shares no code with the adapter.
 */
export function readNaively(names: readonly string[], contentOf: (name: string) => Buffer): StoredLog {
  let highest = 0;
  let newest = "";
  for (const name of names) {
    const [stem, generation, suffix] = name.split(".");
    if (stem === undefined || suffix !== "jsonl" || name.endsWith(".corrupt") || Number(generation) <= highest)
      continue;
    highest = Number(generation);
    newest = name;
  }
  return highest === 0
    ? { entries: null, savedBy: "", epoch: "", lines: new Map(), from: 0, end: 0 }
    : readLines(contentOf(newest));
}

function readLines(content: Buffer): StoredLog {
  let epoch = "";
  let savedBy = "";
  let end = 0;
  let entries: StoredEntry[] = [];
  let existed = false;
  let parts: { start: number; entry: StoredEntry }[] = [];
  let from = 0;
  let partLines: [number, string][] = [];
  const lines = new Map<number, string>();
  let position = 0;
  /** The byte in the file and the place in the log of each carried-over segment, and of the lines after them. */
  let segments: { at: number; place: number }[] = [{ at: 0, place: 0 }];
  for (const text of content.toString("latin1").split("\n")) {
    const at = position === 0 ? 0 : position - 1;
    position += text.length + 1;
    const { at: begin, place } = segments.findLast((segment) => segment.at <= at) ?? { at: 0, place: 0 };
    const start = at - begin + place;
    const line = parse(Buffer.from(text, "latin1").toString());
    if (line?.kind === "kept") {
      segments = segmentsOf(line.payload as [number, number][], position - 1, line.start);
      continue;
    }
    if (line === null || line.start !== start) continue;
    const payload = line.payload as Payload;
    if (line.kind === "seal") {
      if (payload.next !== undefined) continue;
      return { entries: null, savedBy, epoch, lines, from, end };
    }
    if (line.kind === "log") {
      epoch = payload.epoch;
      from = payload.carried?.from ?? 0;
      continue;
    }
    const entry = { operationId: payload.t, saved: line.kind !== "entry", messages: payload.r };
    if (line.kind === "part") {
      parts.push({ start, entry });
      partLines.push([start, text]);
    } else {
      existed = true;
      end = start + 1 + text.length;
      lines.set(start, text);
    }
    if (line.kind === "entry") entries.push(entry);
    if (line.kind === "save") {
      entries = parts.filter((part) => part.start >= (payload.from ?? 0)).map((part) => part.entry);
      for (const [place, part] of partLines) if (place >= (payload.from ?? 0)) lines.set(place, part);
      parts = [];
      partLines = [];
      savedBy = payload.t;
    }
  }
  return { entries: existed ? entries : null, savedBy, epoch, lines, from, end };
}

/** The payload that lines of all kinds have. */
interface Payload {
  epoch: string;
  t: string;
  r: Message[];
  from?: number;
  carried?: { from: number };
  next?: number;
}

function segmentsOf(kept: readonly [number, number][], begin: number, logEnd: number): { at: number; place: number }[] {
  let at = begin;
  const segments = [{ at: 0, place: 0 }];
  for (const [start, end] of kept) {
    segments.push({ at, place: start });
    at += end - start;
  }
  return [...segments, { at, place: logEnd }];
}

function parse(text: string): { start: number; kind: string; payload: unknown } | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null; // torn
    throw error;
  }
  if (!Array.isArray(value) || value.length !== 5) return null;
  const [length, start, kind, payload] = value as [number, number, string, unknown]; // as the layout says
  const announced = `[${length},`.length + length + ',"00000000"]'.length;
  return announced === Buffer.byteLength(text) ? { start, kind, payload } : null;
}
