import { parseArgs } from "node:util";

/** What is done if nobody asks for another one. */
const DEFAULT_SEED = "20261126";

/** How much of the full run `--quick` does. On two cores it takes 20 s, and less than 60 if the machine is busy. */
export const QUICK_SCALE = 0.03;

/** What `pnpm torture` was asked for. */
export interface TortureOptions {
  seed: number;
  /** 1 is the full run, less is a smaller one. */
  scale: number;
  /** The only part to run; absent: all of them. */
  part: string | undefined;
  /** The only schedule of the part `agent` to play; absent: all of them. */
  only: number | undefined;
}

/** Reads `--seed`, `--part`, `--scale` or `--quick`, and `--only`. Throws, naming the option, if one is invalid. */
export function tortureOptionsOf(args: readonly string[]): TortureOptions {
  const { values } = parseArgs({
    args: [...args],
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
  if (quick && values.scale !== undefined) throw new Error("--quick is a --scale of its own: give one of them.");
  const scale = Number(values.scale ?? (quick ? QUICK_SCALE : 1));
  if (!(scale > 0 && scale <= 1)) throw new Error("--scale takes a number above 0, and 1 at most.");
  const only = values.only === undefined ? undefined : Number(values.only);
  if (only !== undefined && !(Number.isInteger(only) && only >= 0 && part === "agent"))
    throw new Error("--only takes the number of a schedule, with --part agent.");
  return { seed, scale, part, only };
}
