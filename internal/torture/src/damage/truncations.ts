import { MemoryError, type Revision } from "@deep-agent/core";
import { type Damaged, type Examiner, examine, type Reading } from "./examination.ts";
import { wrongness } from "./finding.ts";
import type { Lane } from "./lane.ts";
import { contentOf, type Sample } from "./sample.ts";

/** What a reader has seen of the file, and how long it was then. */
interface Seen {
  revision: Revision;
  end: number;
}

/**
 * The file cut to a length. From the file alone nobody can tell how much is missing: it is read up to the cut, with a warning where
 * that falls into a line. But whoever has seen more of it has to be told that it regressed.
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
  // What was appended by one who knew nothing must not look like what is missing.
  if (full !== undefined) await checkRegressed(lane, full, damaged.what, examiner);
  lane.bytes = damaged.bytes;
  const known = revisions.findLast(({ end }) => end <= length);
  if (known !== undefined) await checkContinued(lane, sample, known, length, examiner);
  if (full === undefined || later[0] === undefined) return reading;
  await checkRegressed(lane, later[0], damaged.what, examiner);
  if (length % 2 === 0) await checkConflict(lane, full, damaged, examiner);
  return reading;
}

/** Who knew what is left hears what is new behind it. */
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
  note(`${column ?? "silentlyWrong"}: cut to ${length}: what came after byte ${end}`);
}

/** Who knew more is told. A log of which nothing is left is no memory any more: `null` says so. */
async function checkRegressed(
  lane: Lane,
  { revision, end }: Seen,
  what: string,
  { tally, note }: Examiner,
): Promise<void> {
  const snapshot = await lane.backend().read(lane.memoryId, { since: revision, last: 1 });
  if (snapshot === null || (snapshot.reset && snapshot.regressed)) return;
  tally.silentlyWrong += 1;
  note(`silentlyWrong: ${what}: a reader that had seen ${end} bytes was not told`);
}

/** Who knew more cannot append as if nothing had happened. */
async function checkConflict(
  lane: Lane,
  { revision }: Seen,
  { what, bytes }: Damaged,
  examiner: Examiner,
): Promise<void> {
  const error = await lane
    .backend()
    .append(lane.memoryId, [{ entry: 2_000, part: 0, of: 1, text: "behind what is lost" }], { since: revision })
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  if (MemoryError.is(error, "CONFLICT") && error.outcome === "not-applied" && lane.bytes.equals(bytes)) return;
  if (error !== undefined && !MemoryError.is(error)) throw error;
  examiner.tally.silentlyWrong += 1;
  examiner.note(
    `silentlyWrong: ${what}: an append behind a revision that is no more: ${error?.code ?? "acknowledged"}`,
  );
}
