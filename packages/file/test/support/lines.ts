import { createInterface } from "node:readline";

/** The lines that this worker is sent, one by one. */
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Waits for the next line. `null`: there are no more lines. */
export async function nextLine(): Promise<string | null> {
  const { done, value } = await lines.next();
  return done ? null : value;
}

/** Prints a line at once, so that it is read even if this worker is killed, as long as the pipe is not full. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`); // a pipe: while it has room, it is written before the call returns
}
