import { setImmediate as tick } from "node:timers/promises";

// Captured, because a test may replace it.
const { bigint } = process.hrtime;

/** The time in ms, by a clock that all processes of a machine share. It never goes back. */
export function moment(): number {
  return Number(bigint()) / 1e6;
}

/** Resolves at that moment, to some hundredths of a millisecond if the machine is idle: a timer is not that exact. */
export async function untilMoment(at: number): Promise<void> {
  while (moment() < at) await tick();
}
