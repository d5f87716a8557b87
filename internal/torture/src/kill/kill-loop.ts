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
  /** How many processes are killed. */
  kills: number;
}

/** Counts that show that the kills fell into writes. */
export interface Bite {
  /** Kills after which it is unknown whether the writer's last turn is stored. */
  unacknowledged: number;
  /** How many of those turns are stored. */
  stored: number;
  /** Writes that a kill cut short, and about which the reader was warned. */
  cut: number;
  serverKills: number;
}

const MEMORY = "shared";

const KB = 1024;

/** Among many writers without pauses, a turn that takes long to write would hardly ever be the next one. */
const alone: Way = { large: [1024 * KB, 4096 * KB], pauseMs: 0 };
const amongMany: Way = { large: [32 * KB, 256 * KB], pauseMs: 15 };

/** If there is a server, it is killed too after one of this many kills of a writer. */
const SERVER_KILL_EVERY = 4;

/** At most how many turns begin before the next kill, on average by each writer. */
const TURNS_BEFORE = 4;

/** The assumed length of a turn, in ms, until a turn was measured. */
const USUAL_TURN = 2;

/** How late a timer may be, in ms. */
const COARSE = 2;

/** How long to wait for a large turn to appear in the log, in ms, and how much of it must appear, in bytes. */
const LARGE_LIMIT = 300;
const LARGE_BEGUN = 16 * 1024;

/** How many processes are started in advance, so that each replaces a killed one at once. */
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
      spare.catch(() => undefined); // the caller that takes the spare gets its error
      spares.push(spare);
    }
    return spares.shift() as Promise<WriterProcess>; // the loop above has added a spare
  };
  const series = Array.from({ length: count }, (_, number) => new Series(`w${number}`));
  const bite: Bite = { unacknowledged: 0, stored: 0, cut: 0, serverKills: 0 };
  try {
    const writers: WriterProcess[] = [];
    const replace = async (number: number): Promise<void> => {
      const writer = await next();
      const own = series[number] as Series; // each writer has a series
      writer.write(own.assign(random, count === 1 ? alone : amongMany));
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

/**
 * Resolves when the writer is to be killed: somewhere in the turn that it has begun, or in the write of a large turn.
 */
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

/** Waits this many ms. It spins at the end: a timer is too coarse for the time that a write takes. */
async function moment(ms: number): Promise<void> {
  const end = performance.now() + ms;
  if (ms > COARSE) await pause(ms - COARSE);
  while (performance.now() < end);
}

/** Waits until a part of a large turn is in the file, or until the limit. */
function spinUntilGrown(path: string): void {
  const size = (): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const before = size();
  for (const end = performance.now() + LARGE_LIMIT; performance.now() < end && size() < before + LARGE_BEGUN; );
}

/** Audits the store with a reader that knows nothing about the writers. */
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
