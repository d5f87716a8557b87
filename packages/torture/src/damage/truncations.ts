import type { Revision } from "@deep-agent/core";
import type { Tally } from "../tally.ts";
import { type Damaged, type Examiner, examine, type Reading } from "./examination.ts";
import { find, wrongness } from "./finding.ts";
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

  lane.bytes = damaged.bytes;
  const known = revisions.findLast(({ end }) => end <= length);
  if (known !== undefined) await checkContinued(lane, sample, known, length, examiner);
  const regressed = async (seen: Seen | undefined): Promise<void> => {
    if (seen !== undefined) await checkRegressed(lane, sample, seen, length, examiner.tally, examiner.note);
  };
  await regressed(later[0]);
  await regressed(later.length > 1 ? later.at(-1) : undefined);
  // Who knew more can neither append as if nothing had happened, nor not be told when others have.
  const refusal = { ...damaged, since: later.at(-1)?.revision };
  const { acknowledged } = examiner.tally;
  if (later.length > 0) await examine(lane, refusal, { ...examiner, tally: examiner.tally });
  if (examiner.tally.acknowledged > acknowledged && later.length > 0) {
    examiner.tally.silentlyWrong += 1;
    examiner.note(`silentlyWrong: ${damaged.what}: a turn was appended behind a revision that is no more`);
  }
  await lane.backend().append(lane.memoryId, [{ entry: 2_000, part: 0, of: 1, text: "by somebody else" }]);
  await regressed(later.at(-1));
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
  { begin }: Sample,
  { revision, end }: Seen,
  length: number,
  tally: Tally,
  note: (line: string) => void,
): Promise<void> {
  let told = false;
  const finding = await find(lane, async () => {
    const snapshot = await lane.backend().read(lane.memoryId, { since: revision });
    told = snapshot === null || (snapshot.reset && snapshot.regressed);
    return snapshot?.records ?? null;
  });
  if (finding.is === "read" && told && length >= begin) return;
  tally.silentlyWrong += 1;
  note(`silentlyWrong: cut to ${length}: a reader that had seen ${end} bytes was not told`);
}
