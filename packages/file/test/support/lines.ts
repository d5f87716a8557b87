import { writeSync } from "node:fs";
import { createInterface } from "node:readline";

/** The lines that this worker is sent, one by one. */
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Waits for the next line. `null`: there are no more lines. */
export async function nextLine(): Promise<string | null> {
  const { done, value } = await lines.next();
  return done ? null : value;
}

/** Prints a line at once, so that it is read even if this worker is killed: while the pipe is full, this waits. */
export function say(line: string): void {
  writeSync(1, `${line}\n`); // process.stdout would keep in this process what the pipe does not take
}
