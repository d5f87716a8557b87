import { Random } from "../random.ts";
import { newTally, type Tally } from "../tally.ts";
import { type PartOptions, scaled } from "../torture-part.ts";
import { type Examiner, examine, type Reading } from "./examination.ts";
import { failingCalls } from "./failing-calls.ts";
import { flipped } from "./flips.ts";
import { Lane } from "./lane.ts";
import { makeSample, type Sample } from "./sample.ts";
import { cut } from "./truncations.ts";

/** Flips in a full run, and how many of them are read with `onCorrupt: "skip"`. */
const FLIPS = 10_000;
const SKIPPING_FLIPS = 2_500;

/** Cuts a memory's file, flips its bytes, and lets its disk fail. Each time compares what can be read afterwards. */
export async function damage({ seed, scale, note }: PartOptions): Promise<Tally[]> {
  const sample = await makeSample(seed);
  note(`damage: a file of ${sample.bytes.length} bytes and ${sample.lines.length} lines`);
  const count = scaled(sample.bytes.length, scale);
  const lengths = Array.from({ length: count + 1 }, (_, index) => Math.round((index * sample.bytes.length) / count));
  const cuts = await each("damage: cut at every byte", lengths, sample, note, (lane, length, examiner) =>
    cut(lane, sample, length, examiner),
  );
  const flips: Tally[] = [];
  for (const [scenario, onCorrupt, count] of [
    ["damage: flipped bits and bytes", "throw", FLIPS],
    ['damage: flipped bits and bytes, onCorrupt "skip"', "skip", SKIPPING_FLIPS],
  ] as const) {
    const random = new Random(seed, scenario);
    const cases = Array.from({ length: scaled(count, scale) }, () => flipped(sample, random, onCorrupt));
    flips.push(await each(scenario, cases, sample, note, examine));
  }
  return [cuts, ...flips, await failingCalls(new Random(seed, "failing calls"), scale, note)];
}

/** Examines each case, and notes how the cases were read. */
async function each<C>(
  scenario: string,
  cases: readonly C[],
  sample: Sample,
  note: (line: string) => void,
  look: (lane: Lane, one: C, examiner: Examiner) => Promise<Reading>,
): Promise<Tally> {
  const tally = newTally(scenario);
  const readings: Record<Reading, number> = { right: 0, warned: 0, refused: 0 };
  await using lane = await Lane.open(sample);
  for (const one of cases) readings[await look(lane, one, { tally, note })] += 1;
  note(
    `${scenario}: ${readings.right} read correctly, ${readings.warned} with a warning, ${readings.refused} refused as CORRUPT`,
  );
  return tally;
}
