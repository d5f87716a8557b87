import { workerData } from "node:worker_threads";

/*
 * A thread of the other process: ends that process if its parent has ended. Where a thread is blocked, for instance by
 * an adapter that waits in a loop, the process would outlive the kit.
 */

/** How often it looks, in ms. */
const INTERVAL_MS = 500;

const parent = Number(workerData);

setInterval(() => {
  if (process.ppid === parent && isAlive(parent)) return;
  process.kill(process.pid, "SIGKILL");
}, INTERVAL_MS);

/** On Windows, a process keeps the id of a parent that has ended. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
