import { MemoryError, type Revision } from "@deep-agent/core";
import { type Damaged, type Examiner, examine, type Reading } from "./examination.ts";
import { wrongness } from "./finding.ts";
import type { Lane } from "./lane.ts";
import { contentOf, type Sample } from "./sample.ts";

/** The revision that a reader has seen, and the length of the file at that time, in bytes. */
interface Seen {
  revision: Revision;
  end: number;
}

/**
 * Cuts the file to a length. The file alone does not show how much is missing: it is read up to the cut, with a warning
 * if the cut falls into a line. But a reader that has seen more of the log must be told that it regressed.
 */
export async function cut(lane: Lane, sample: Sample, length: number, examiner: Examiner): Promise<Reading> {
  const { bytes, begin, lines, revisions } = sample;
  const whole = lines.filter(({ end }) => end <= length);
  const lastEnd = whole.at(-1)?.end ?? begin;
  const isWithinLine = length > lastEnd;
  const entries = contentOf(whole);
  const later = revisions.filter(({ end }) => end > length);
  const damaged: Damaged = {
    what: `cut to ${length} of ${bytes.length} bytes`,
    bytes: bytes.subarray(0, length),
    due: (missing) => {
      if (length < begin) return "wrong";
      return missing.size === Number(isWithinLine) && (!isWithinLine || missing.has(lastEnd)) ? entries : "wrong";
    },
    onCorrupt: "throw",
    last: 1 + (length % 12),
  };
  const reading = await examine(lane, damaged, examiner);
  if (length < begin) return reading;

  const full = later.at(-1);
  // `examine` has appended without knowing the log. That entry must not pass for the missing ones.
  if (full !== undefined) await checkRegressed(lane, full, damaged.what, examiner);
  lane.bytes = damaged.bytes;
  const known = revisions.findLast(({ end }) => end <= length);
  if (known !== undefined) await checkContinued(lane, sample, known, length, examiner);
  if (full === undefined || later[0] === undefined) return reading;
  await checkRegressed(lane, later[0], damaged.what, examiner);
  if (length % 2 === 0) await checkConflict(lane, full, damaged, examiner);
  return reading;
}

/** Checks that a reader that knew a part of what is left gets what comes after that part. */
async function checkContinued(
  lane: Lane,
  { lines }: Sample,
  { revision, end }: Seen,
  length: number,
  { tally, note }: Examiner,
): Promise<void> {
  const whole = lines.filter((line) => line.end <= length);
  const news = whole.filter((line) => line.begin >= end);
  const isReplaced = news.some(({ kind }) => kind === "save");
  const due = contentOf(isReplaced ? whole : news.filter(({ kind }) => kind === "entry"))?.flat() ?? [];
  const snapshot = await lane.backend().read(lane.memoryId, { since: revision });
  const column = wrongness(snapshot?.records ?? null, due);
  if (column === null && snapshot?.reset === isReplaced && !snapshot.regressed) return;
  tally[column ?? "silentlyWrong"] += 1;
  note(`${column ?? "silentlyWrong"}: cut to ${length}: a read of what comes after byte ${end}`);
}

/**
 * Checks that a reader that knew more is told. If nothing of the log is left, the memory is missing: `null` says so.
 */
async function checkRegressed(
  lane: Lane,
  { revision, end }: Seen,
  what: string,
  { tally, note }: Examiner,
): Promise<void> {
  const snapshot = await lane.backend().read(lane.memoryId, { since: revision, last: 1 });
  if (snapshot === null || (snapshot.reset && snapshot.regressed)) return;
  tally.silentlyWrong += 1;
  note(`silentlyWrong: ${what}: a reader that had seen ${end} bytes was not told about the loss`);
}

/** Checks that a writer that knew more cannot append as if nothing had happened. */
async function checkConflict(
  lane: Lane,
  { revision }: Seen,
  { what, bytes }: Damaged,
  examiner: Examiner,
): Promise<void> {
  const error = await lane
    .backend()
    .append(lane.memoryId, [{ entry: 2_000, part: 0, of: 1, text: "after the loss" }], { since: revision })
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  if (MemoryError.is(error, "CONFLICT") && error.outcome === "not-applied" && lane.bytes.equals(bytes)) return;
  if (error !== undefined && !MemoryError.is(error)) throw error;
  examiner.tally.silentlyWrong += 1;
  examiner.note(`silentlyWrong: ${what}: an append after a lost revision: ${error?.code ?? "acknowledged"}`);
}
