import { setTimeout as sleep } from "node:timers/promises";

/** Resolves when a clock in ms, and that of a file system, shows a later time than now. */
export async function nextMoment(): Promise<void> {
  await sleep(12);
}
