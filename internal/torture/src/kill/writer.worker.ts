import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { type MemoryBackend, MemoryError, openBackend, supports } from "@deep-agent/core";
import { type LogCapability, newId } from "@deep-agent/core/adapter";
import type { Assignment, Place } from "./assignment.ts";
import { turnOf, usualSize } from "./turns.ts";

/*
 * A process that appends turns to a memory. It prints `ready`, reads its assignment as a line of JSON, and prints
 * `try <turn>` before each turn and `ack <turn>` after it. After another line of input, or the end of the input, it
 * ends when its current turn is done.
 */

/** How long a turn is tried again if its error is retryable, in ms: the server is killed and restarted too. */
const PATIENCE = 60_000;

const { address, memoryId } = JSON.parse(process.argv[2] ?? "") as Place; // written by the parent
const opened: MemoryBackend = await openBackend(address, { load: (name) => import(name) });
if (!supports(opened, "log")) throw new Error(`The backend at ${address} lacks the capability "log".`);
const backend: LogCapability = opened;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
say("ready");
const line = await lines.next();
if (line.done) process.exit(0);
const { series, from, large, pauseMs } = JSON.parse(line.value) as Assignment; // written by the parent
let stopped = false;
void lines.next().then(() => {
  stopped = true;
});
for (let turn = from; !stopped; turn++) {
  say(`try ${turn}`);
  await append(turn);
  say(`ack ${turn}`);
  if (pauseMs > 0) await pause(pauseMs);
}
process.exit(0);

async function append(turn: number): Promise<void> {
  const records = turnOf(series, turn, turn === large?.turn ? large.bytes : usualSize(turn));
  const operationId = newId();
  let since = await persistently(revision);
  for (;;) {
    try {
      await persistently(() => backend.append(memoryId, records, { operationId, since }));
      return;
    } catch (error) {
      // Another writer created the memory after this one had found it missing. The backend did not find this turn in
      // it.
      if (!MemoryError.is(error, "CONFLICT") || since !== null) throw error;
      since = await persistently(revision);
    }
  }
}

async function revision(): Promise<string | null> {
  return (await backend.read(memoryId, { last: 1 }))?.revision ?? null;
}

/** Tries again while the error is retryable, as an application does. */
async function persistently<R>(call: () => Promise<R>): Promise<R> {
  const limit = performance.now() + PATIENCE;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!MemoryError.is(error) || !error.retryable || performance.now() > limit) throw error;
      await pause(5); // between two tries to reach the server
    }
  }
}

/** Prints synchronously, so that the parent gets every line even if this process is killed right afterwards. */
function say(line: string): void {
  writeSync(1, `${line}\n`); // if the pipe is full, process.stdout would keep the line in this process
}
