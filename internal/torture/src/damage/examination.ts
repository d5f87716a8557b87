import { MemoryError, type Revision } from "@deep-agent/core";
import { newId } from "@deep-agent/core/adapter";
import type { CorruptPolicy } from "@deep-agent/file";
import type { Tally } from "../tally.ts";
import { type Finding, find, newest, wrongness } from "./finding.ts";
import type { Lane } from "./lane.ts";
import type { Note } from "./sample.ts";

/** A damaged file, and what a reader may find in it. */
export interface Damaged {
  /** What was done to the file, for messages. */
  what: string;
  bytes: Buffer;
  /**
   * The entries to read if warnings report the lines at these places as missing; `"wrong"` if such warnings are wrong.
   */
  due(missing: ReadonlySet<number>): Note[][] | null | "wrong";
  onCorrupt: CorruptPolicy;
  /** How many records the window holds. */
  last: number;
  /** The revision that the appending writer knows. Absent: it does not know the log. */
  since?: Revision | undefined;
}

/** How a file was read: correctly, without the lines that a warning names, or not at all. */
export type Reading = "right" | "warned" | "refused";

/** Counts and describes what was wrong. */
export interface Examiner {
  tally: Tally;
  note: (line: string) => void;
}

/** An entry that is appended to a damaged file. */
const added: Note[] = [{ entry: 1_000, part: 0, of: 1, text: "after the damage" }];

/** Reads the whole file and a window of it, appends to it, and reads it again. */
export async function examine(lane: Lane, damaged: Damaged, examiner: Examiner): Promise<Reading> {
  const { tally } = examiner;
  const { what, bytes, onCorrupt, last, since } = damaged;
  const wrong = (column: "lost" | "duplicated" | "torn" | "silentlyWrong", how: string): void => {
    tally[column] += 1;
    examiner.note(`${column}: ${what}: ${how}`);
  };
  tally.faults += 1;
  lane.bytes = bytes;
  const backend = lane.backend(onCorrupt);
  const all = await find(lane, () => backend.load(lane.memoryId));
  check(
    all,
    damaged,
    (entries) => entries?.flat() ?? null,
    (column, how = "") => wrong(column, `the whole file was read: ${how}`),
  );
  const window = await find(lane, async () => (await backend.read(lane.memoryId, { last }))?.records ?? null);
  // A window neither sees what lies before it nor warns about that.
  check(
    window,
    damaged,
    (entries) => newest(entries, last),
    (column, how = "") => wrong(column, `the last ${last} records were read: ${how}`),
  );

  const error = await backend
    .append(lane.memoryId, added, { operationId: newId(), ...(since !== undefined && { since }) })
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  const after = lane.bytes;
  if (!after.subarray(0, bytes.length).equals(bytes)) wrong("silentlyWrong", "an append changed what was there");
  if (error === undefined) tally.acknowledged += 1;
  else {
    const isRefusal = MemoryError.is(error, "CORRUPT") || (since !== undefined && MemoryError.is(error, "CONFLICT"));
    if (!isRefusal) wrong("silentlyWrong", `an append rejected with ${String(error)}`);
    else if (error.outcome !== "not-applied" || after.length > bytes.length)
      wrong(
        "silentlyWrong",
        `an append was refused as ${error.code}, but it left bytes in the file or its outcome is wrong`,
      );
  }
  const again = await find(lane, () => lane.backend(onCorrupt).load(lane.memoryId));
  const appended = error === undefined ? added : [];
  if (all.is !== again.is)
    wrong("silentlyWrong", `a read was "${all.is}" before an append, and "${again.is}" after it`);
  else if (all.is === "read" && again.is === "read") {
    const isThere = error !== undefined || again.records?.some(({ entry }) => entry === added[0]?.entry);
    const expected = all.records === null && error !== undefined ? null : [...(all.records ?? []), ...appended];
    const column = isThere ? wrongness(again.records, expected) : "lost";
    if (column !== null)
      wrong(column, `read again after an append that was ${error === undefined ? "acknowledged" : "refused"}`);
  }
  if (all.is !== "read") return "refused";
  return all.missing.size > 0 ? "warned" : "right";
}

type WrongColumn = "duplicated" | "torn" | "silentlyWrong";

function check(
  finding: Finding,
  { due }: Damaged,
  part: (entries: Note[][] | null) => Note[] | null,
  wrong: (column: WrongColumn, how?: string) => void,
): void {
  if (finding.is === "refused") return;
  if (finding.is === "mistold") {
    wrong("silentlyWrong", String(finding.error));
    return;
  }
  const entries = due(finding.missing);
  const column = entries === "wrong" ? "silentlyWrong" : wrongness(finding.records, part(entries));
  if (column !== null) wrong(column);
}
