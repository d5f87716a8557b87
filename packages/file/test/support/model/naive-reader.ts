import type { Message } from "@deep-agent/core";

/** An append or a save, as it lies in a file. */
export interface StoredEntry {
  operationId: string;
  saved: boolean;
  messages: Message[];
}

export interface StoredLog {
  /** `null`: no such memory. */
  entries: StoredEntry[] | null;
  /** Names the save that the log begins with; `""`: it begins with none. */
  savedBy: string;
  epoch: string;
  content: Buffer;
  /** Behind the newest line that counts. */
  end: number;
}

/**
 * What the files of the only memory in a directory hold, read as naively as the layout's description allows: the highest
 * generation, whole, from its first line to its last. Shares nothing with the adapter.
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
    ? { entries: null, savedBy: "", epoch: "", content: Buffer.alloc(0), end: 0 }
    : readLines(contentOf(newest));
}

function readLines(content: Buffer): StoredLog {
  let epoch = "";
  let savedBy = "";
  let end = 0;
  let entries: StoredEntry[] = [];
  let existed = false;
  let parts: { start: number; entry: StoredEntry }[] = [];
  let position = 0;
  for (const text of content.toString("latin1").split("\n")) {
    const start = position === 0 ? 0 : position - 1;
    position += text.length + 1;
    const line = parse(Buffer.from(text, "latin1").toString());
    if (line === null || line.start !== start) continue;
    if (line.kind === "seal") return { entries: null, savedBy, epoch, content, end };
    const payload = line.payload as { epoch: string; t: string; r: Message[]; from?: number };
    if (line.kind === "log") {
      epoch = payload.epoch;
      continue;
    }
    const entry = { operationId: payload.t, saved: line.kind !== "entry", messages: payload.r };
    if (line.kind === "part") parts.push({ start, entry });
    else {
      existed = true;
      end = position - 1;
    }
    if (line.kind === "entry") entries.push(entry);
    if (line.kind === "save") {
      entries = parts.filter((part) => part.start >= (payload.from ?? 0)).map((part) => part.entry);
      parts = [];
      savedBy = payload.t;
    }
  }
  return { entries: existed ? entries : null, savedBy, epoch, content, end };
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
  const [length, start, kind, payload] = value as [number, number, string, unknown]; // as the layout has it
  const announced = `[${length},`.length + length + ',"00000000"]'.length;
  return announced === Buffer.byteLength(text) ? { start, kind, payload } : null;
}
