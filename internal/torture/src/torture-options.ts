import { parseArgs } from "node:util";

/** The seed if no other one is given. */
const DEFAULT_SEED = "20261126";

/** The scale of `--quick`. On two cores it takes 20 s, and less than 60 s if the machine is busy. */
export const QUICK_SCALE = 0.03;

/** The options of `pnpm torture`. */
export interface TortureOptions {
  seed: number;
  /** 1 is the full run. Smaller numbers make it smaller. */
  scale: number;
  /** The only part to run. Absent: all parts. */
  part: string | undefined;
  /** The only schedule of the part `agent` to play. Absent: all schedules. */
  only: number | undefined;
}

/** Reads `--seed`, `--part`, `--scale` or `--quick`, and `--only`. Throws, naming the option, if one is invalid. */
export function tortureOptionsOf(args: readonly string[]): TortureOptions {
  const { values } = parseArgs({
    args: args[0] === "--" ? args.slice(1) : [...args], // npm's way to pass options on
    options: {
      seed: { type: "string", default: DEFAULT_SEED },
      part: { type: "string" },
      scale: { type: "string" },
      quick: { type: "boolean", default: false },
      only: { type: "string" },
    },
  });
  const { part, quick } = values;
  const seed = Number(values.seed);
  if (!Number.isInteger(seed)) throw new Error(`--seed takes an integer, not ${JSON.stringify(values.seed)}.`);
  if (quick && values.scale !== undefined) throw new Error("--quick sets a --scale itself: give only one of the two.");
  const scale = Number(values.scale ?? (quick ? QUICK_SCALE : 1));
  if (!(scale > 0 && scale <= 1)) throw new Error("--scale takes a number greater than 0 and at most 1.");
  const only = values.only === undefined ? undefined : Number(values.only);
  if (only !== undefined && !(Number.isInteger(only) && only >= 0 && part === "agent"))
    throw new Error("--only takes the number of a schedule, with --part agent.");
  return { seed, scale, part, only };
}
