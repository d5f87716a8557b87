import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { statSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { type BackendEvent, type Message, openBackend, supports } from "@deep-agent/core";
import type { Random } from "../random.ts";
import type { Tally } from "../tally.ts";
import { type Audit, audit } from "./audit.ts";
import { Beginnings } from "./beginnings.ts";
import { Series, type Way } from "./series.ts";
import type { Store } from "./store.ts";
import { WriterProcess } from "./writer-process.ts";

export interface KillLoop {
  scenario: string;
  /** How many processes write at the same time. */
  writers: number;
  /** How many of them are killed. */
  kills: number;
}

/** How one can see that the kills fell into writes. */
export interface Bite {
  /** Kills that left a turn of which nobody knows whether it is stored. */
  unacknowledged: number;
  /** Those of them that are stored. */
  stored: number;
  /** Writes that were cut short by a kill, as the reader was warned of. */
  cut: number;
  serverKills: number;
}

const MEMORY = "shared";

const KB = 1024;

/** Among many who do not pause, a turn that takes long to write is hardly ever the next. */
const alone: Way = { large: [1024 * KB, 4096 * KB], pauseMs: 0 };
const amongMany: Way = { large: [32 * KB, 256 * KB], pauseMs: 15 };

/** Where there is a server: one of so many kills is its own besides. */
const SERVER_KILL_EVERY = 4;

/** How many turns the writers begin, on average by one of them, before the next one is killed, at most. */
const TURNS_BEFORE = 4;

/** How long a turn takes, in ms, as long as nothing is known of it. */
const USUAL_TURN = 2;

/** What a timer may be late by, in ms. */
const COARSE = 2;

/** Of how many ms a large turn is given to appear in the log, and how much of it, in bytes. */
const LARGE_LIMIT = 300;
const LARGE_BEGUN = 16 * 1024;

/** A process that is killed is replaced at once by one that was started before. */
const SPARES = 2;

export async function killLoop(
  store: Store,
  { scenario, writers: count, kills }: KillLoop,
  random: Random,
): Promise<{ tally: Tally; bite: Bite }> {
  const place = { address: store.address, memoryId: MEMORY };
  const beginnings = new Beginnings();
  const all = new Set<WriterProcess>();
  const start = async (): Promise<WriterProcess> => {
    const writer = await WriterProcess.start(place, beginnings);
    all.add(writer);
    return writer;
  };
  const spares: Promise<WriterProcess>[] = [];
  const next = async (): Promise<WriterProcess> => {
    while (spares.length <= SPARES) {
      const spare = start();
      spare.catch(() => undefined); // whoever takes it hears of it
      spares.push(spare);
    }
    return spares.shift() as Promise<WriterProcess>; // there is one
  };
  const series = Array.from({ length: count }, (_, number) => new Series(`w${number}`));
  const bite: Bite = { unacknowledged: 0, stored: 0, cut: 0, serverKills: 0 };
  try {
    const writers: WriterProcess[] = [];
    const replace = async (number: number): Promise<void> => {
      const writer = await next();
      writer.write((series[number] as Series).assign(random, count === 1 ? alone : amongMany)); // there is one for each
      writers[number] = writer;
    };
    for (let number = 0; number < count; number++) await replace(number);
    for (let kill = 0; kill < kills; kill++) {
      const victim = await beginnings.after(1 + random.below(TURNS_BEFORE * count));
      await withinTurn(store, victim, random);
      await victim.kill();
      const number = writers.indexOf(victim);
      if (victim.isUnacknowledged) bite.unacknowledged += 1;
      series[number]?.record(victim);
      all.delete(victim);
      await replace(number);
      if (store.killServer !== undefined && kill % SERVER_KILL_EVERY === 0) {
        const witness = await beginnings.after(1 + random.below(count));
        await moment(random.next() * (witness.turnMs ?? USUAL_TURN));
        await store.killServer();
        bite.serverKills += 1;
      }
    }
    for (const [number, writer] of writers.entries()) {
      await writer.stop();
      series[number]?.record(writer);
      all.delete(writer);
    }
  } finally {
    for (const spare of await Promise.allSettled(spares)) if (spare.status === "fulfilled") all.add(spare.value);
    await Promise.all([...all].map((writer) => writer.kill()));
  }
  const { unacknowledged, ...found } = await auditOf(store, series, bite);
  bite.stored = unacknowledged;
  return { tally: { scenario, faults: kills + bite.serverKills, ...found }, bite };
}

/** Resolves at the moment at which the writer is to be killed: somewhere in the turn it has begun, of a large one in the write itself. */
async function withinTurn(
  { logOf }: Store,
  { assignment, tried, turnMs }: WriterProcess,
  random: Random,
): Promise<void> {
  const part = random.next();
  const isLarge = tried.at(-1) === assignment?.large?.turn;
  if (isLarge && logOf !== undefined) spinUntilGrown(logOf(MEMORY));
  else await moment(part * (isLarge ? LARGE_LIMIT : (turnMs ?? USUAL_TURN)));
}

/** Waits so many ms: at the end without giving up the processor, since a timer is too coarse for the time that a write takes. */
async function moment(ms: number): Promise<void> {
  const end = performance.now() + ms;
  if (ms > COARSE) await pause(ms - COARSE);
  while (performance.now() < end);
}

/** Waits until a part of a large turn is in the file, or is not to be expected there any more. */
function spinUntilGrown(path: string): void {
  const size = (): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const before = size();
  for (const end = performance.now() + LARGE_LIMIT; performance.now() < end && size() < before + LARGE_BEGUN; );
}

/** What a reader finds that knows nothing of the writers. */
async function auditOf(store: Store, series: readonly Series[], bite: Bite): Promise<Audit> {
  const backend = await openBackend<Message>(store.address, { load: (name) => import(name) });
  const hear = (event: unknown): void => {
    // Only this library publishes on its channel.
    const { type, ...warning } = event as BackendEvent;
    if (type === "warning" && "detail" in warning && warning.detail.includes("torn")) bite.cut += 1;
  };
  subscribe("deep-agent:backend", hear);
  try {
    return audit(series, (await backend.load(MEMORY)) ?? []);
  } finally {
    unsubscribe("deep-agent:backend", hear);
    if (supports(backend, "lifecycle")) await backend.close();
  }
}
