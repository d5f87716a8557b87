import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { type MemoryBackend, MemoryError, openBackend, supports } from "@deep-agent/core";
import { type LogCapability, newId } from "@deep-agent/core/adapter";
import type { Assignment, Place } from "./assignment.ts";
import { turnOf, usualSize } from "./turns.ts";

/*
 * A process that appends turns to a memory: says `ready`, is told its assignment in JSON, and says `try <turn>` before and `ack <turn>`
 * after each. At another line, or when nobody is left to tell it one, it ends behind the turn that it is at.
 */

/** How long a turn is tried again where the error says that this can help, in ms: its server is killed, too. */
const PATIENCE = 60_000;

const { address, memoryId } = JSON.parse(process.argv[2] ?? "") as Place; // the parent's own
const opened: MemoryBackend = await openBackend(address, { load: (name) => import(name) });
if (!supports(opened, "log")) throw new Error(`The backend at ${address} has no log.`);
const backend: LogCapability = opened;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
say("ready");
const told = await lines.next();
if (told.done) process.exit(0);
const { series, from, large, pauseMs } = JSON.parse(told.value) as Assignment; // the parent's own
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
      // Others made the memory after we had found none; it was searched, and ours is not in it.
      if (!MemoryError.is(error, "CONFLICT") || since !== null) throw error;
      since = await persistently(revision);
    }
  }
}

async function revision(): Promise<string | null> {
  return (await backend.read(memoryId, { last: 1 }))?.revision ?? null;
}

/** As an application does it: again, where the error says that this can help. */
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

/** At once: what a killed process has said is heard. */
function say(line: string): void {
  writeSync(1, `${line}\n`); // process.stdout would keep in this process what a full pipe does not take
}
