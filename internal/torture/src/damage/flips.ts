import type { CorruptPolicy } from "@deep-agent/file";
import type { Random } from "../random.ts";
import type { Damaged } from "./examination.ts";
import { contentOf, type Sample } from "./sample.ts";

const NEWLINE = 10;

/** The file with one bit or one byte changed, sometimes to a newline. */
export function flipped(sample: Sample, random: Random, onCorrupt: CorruptPolicy): Damaged {
  const bytes = Buffer.from(sample.bytes);
  const at = random.below(bytes.length);
  const before = bytes[at] ?? 0;
  const change = random.chance(0.6) ? 1 << random.below(8) : random.between(1, 255);
  bytes[at] = random.chance(0.05) ? NEWLINE : before ^ change;
  const knows = random.chance(0.5);
  return {
    what: `byte ${at} of ${bytes.length} changed from ${before} to ${bytes[at]}, onCorrupt ${onCorrupt}`,
    bytes,
    due: (missing) =>
      contentOf(sample.lines.filter((line) => ![...missing].some((place) => covers(bytes, place, line)))),
    onCorrupt,
    last: random.between(1, 12),
    ...(knows && { since: random.pick(sample.revisions).revision }),
  };
}

/** Whether the line that the damaged bytes show at `place` overlaps the given line of the sample. */
function covers(bytes: Buffer, place: number, { begin, end }: Sample["lines"][number]): boolean {
  const next = bytes.indexOf(NEWLINE, place + 1);
  return begin < (next === -1 ? bytes.length : next) && place < end;
}
