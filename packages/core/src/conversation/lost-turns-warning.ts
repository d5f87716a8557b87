import { warnOf } from "../adapter-kit/warnings.ts";

/** Warns that a backend without `append` loses turns if several processes write to it. */
export function warnOfLostTurns(backend: string): void {
  warnOf(backend)(
    "without `append`, a turn is stored by a load and a save of the whole memory, so two processes may lose each " +
      "other's turns: let only one process write, or give this backend an `append` by compare-and-set (capability `log`)",
  );
}
