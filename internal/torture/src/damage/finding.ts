import { MemoryError } from "@deep-agent/core";
import type { Lane } from "./lane.ts";
import type { Note } from "./sample.ts";

/** The result of reading a damaged file. */
export type Finding =
  /** The records, or `null` if the memory does not exist, and the places of the lines that warnings named. */
  | { is: "read"; records: readonly Note[] | null; missing: ReadonlySet<number> }
  /** The read was refused as `CORRUPT`, with the place. */
  | { is: "refused"; offset: number }
  /** The error is another one, or lacks the place. */
  | { is: "mistold"; error: unknown };
export async function find(lane: Lane, read: () => Promise<readonly Note[] | null>): Promise<Finding> {
  lane.takeWarnings();
  try {
    const records = await read();
    return { is: "read", records, missing: lane.takeWarnings() };
  } catch (error) {
    const offset = placeIn(error, lane);
    return offset === null ? { is: "mistold", error } : { is: "refused", offset };
  }
}

/** The byte at which the file is damaged according to an error; `null` if the error does not say so. */
function placeIn(error: unknown, { path, memoryId }: Lane): number | null {
  if (!MemoryError.is(error, "CORRUPT") || error.outcome !== "not-applied" || error.memoryId !== memoryId) return null;
  if (!error.message.includes(path)) return null;
  const [, offset] = /at byte (\d+) of /.exec(error.message) ?? [];
  return offset === undefined ? null : Number(offset);
}

/** The tally's column for the difference between the found and the expected records; `null` if they are equal. */
export function wrongness(
  found: readonly Note[] | null,
  due: readonly Note[] | null,
): "duplicated" | "torn" | "silentlyWrong" | null {
  if (JSON.stringify(found) === JSON.stringify(due)) return null;
  const texts = (found ?? []).map((note) => JSON.stringify(note));
  if (new Set(texts).size < texts.length) return "duplicated";
  const sizes = new Map<number, { of: number; there: number }>();
  for (const { entry, of } of found ?? []) sizes.set(entry, { of, there: (sizes.get(entry)?.there ?? 0) + 1 });
  if ([...sizes.values()].some(({ of, there }) => there < of)) return "torn";
  return "silentlyWrong";
}

/** The newest whole entries that hold `last` records. */
export function newest(entries: readonly (readonly Note[])[] | null, last: number): Note[] | null {
  if (entries === null) return null;
  let begin = entries.length;
  for (let held = 0; begin > 0 && held < last; begin--) held += entries[begin - 1]?.length ?? 0;
  return entries.slice(begin).flat();
}
