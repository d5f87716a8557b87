import { setTimeout as sleep } from "node:timers/promises";

/** Resolves when a clock in ms shows another time than now, and so does the one of a file system. */
export async function nextMoment(): Promise<void> {
  await sleep(12);
}
