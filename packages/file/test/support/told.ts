import { createInterface } from "node:readline";

/** The lines that a worker is told, one by one. */
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** `null`: there are no more. */
export async function told(): Promise<string | null> {
  const { done, value } = await lines.next();
  return done ? null : value;
}

/** Says a line at once: what a killed worker has said is heard. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`); // a pipe, which is written to before the call returns
}
