import { setTimeout as pause } from "node:timers/promises";
import { MemoryError } from "@deep-agent/core";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createClient } from "@redis/client";
import keySlot from "cluster-key-slot";
import type { RedisBackend } from "../src/index.ts";
import { type Note, notes, rejectionOf } from "./support/backends.ts";
import { retried } from "./support/losses.ts";
import { type Place, places, type Topology, topologies } from "./support/topologies.ts";

/*
 * A server is frozen or down, and no other takes its place, with every client at once. Calls settle by their deadlines.
 * After the server is back, the backend works again by itself.
 */
const TIMEOUT = 500;

/** How long after its deadline a call may settle on a busy machine, in ms. */
const BUSY = 3_000;

/** How many deadlines a listing may take: after the first one, it asks a cluster whether the master was replaced. */
const LISTING = 2;

/** How long a client may take to connect to a server that is back, in ms. */
const RECOVERY = 20_000;

/** How long no other server takes the server's place, in ms. */
const NO_FAILOVER = 600_000;

const ID = "alice";

const calls: Record<string, (one: RedisBackend<Note>) => Promise<unknown>> = {
  load: (one) => one.load(ID),
  read: (one) => one.read(ID, { last: 1 }),
  append: (one) => one.append(ID, notes(9, 1)),
  "append, repeatable": (one) => one.append(ID, notes(9, 1), { since: "x.1.1" }),
  save: (one) => one.save(ID, notes(9, 1)),
  delete: (one) => one.delete(ID),
  list: (one) => one.list(),
  recent: async (one) => one.recent?.({ limit: 1 }),
  info: (one) => one.info(ID),
  touch: (one) => one.touch(ID),
  ping: (one) => one.ping(),
};

const writing: ReadonlySet<string> = new Set(["append", "append, repeatable", "save", "delete", "touch"]);

/** A client with two backends: one is used, the other is closed. */
interface Subject {
  name: string;
  backend: RedisBackend<Note>;
  other: RedisBackend<Note>;
  close(): unknown;
}

describe.each([...new Set(topologies.map(({ on }) => on))])("a server that is away, with every client on %s", (on) => {
  let place: Place;
  let subjects: Subject[];
  beforeAll(async () => {
    place = await withoutFailover(on);
    subjects = await Promise.all(topologies.filter((one) => one.on === on).map((one) => subjectOf(one, place)));
  });
  afterAll(async () => {
    for (const { backend, close } of subjects) {
      await backend.close();
      await close();
    }
    await place[Symbol.asyncDispose]();
  });

  it("is frozen: calls and close() settle by their deadlines and do nothing later, then everything works again", async () => {
    await Promise.all(subjects.flatMap(({ backend, other }) => [ready(backend), retried(() => other.ping())]));
    const [server] = place.servers;
    await server?.freeze();
    let ends: End[];
    try {
      ends = (await Promise.all(subjects.map(endsOf))).flat();
    } finally {
      await server?.thaw();
    }
    expect(ends).toEqual(ends.map(inTime));
    for (const { backend } of subjects) {
      await recovered(backend);
      await retried(async () => expect(await backend.load(ID)).toEqual(notes(0, 2)));
      await retried(async () => expect(await backend.list()).toEqual([ID]));
    }
  });

  it("is killed and started again: the backend works again", async () => {
    await Promise.all(subjects.map(({ backend }) => recovered(backend)));
    const [server] = place.servers;
    await server?.kill();
    const ends = await Promise.all(
      subjects.flatMap(({ name, backend }) => ["load", "append"].map((call) => endOf(name, call, backend))),
    );
    await server?.start();
    expect(ends).toEqual(ends.map(inTime));
    for (const { backend } of subjects) {
      await recovered(backend);
      await retried(async () => expect(await backend.load(ID)).toEqual(expect.arrayContaining(notes(1, 1))));
    }
  });
});

/** How a call of a client ended. */
interface End {
  client: string;
  call: string;
  /** `undefined`: it ended within its deadline, with some time for a busy machine. Otherwise, how long it took. */
  late: string | undefined;
  error: unknown;
}

function inTime({ client, call }: End): object {
  const outcome = writing.has(call) ? expect.stringMatching(/^(unknown|not-applied)$/) : "not-applied";
  const error = expect.objectContaining({ code: "UNAVAILABLE", retryable: true, outcome });
  return { client, call, late: undefined, error: call === "close" ? undefined : error };
}

async function endOf(client: string, call: string, one: RedisBackend<Note>): Promise<End> {
  const started = performance.now();
  const error = await rejectionOf(calls[call]?.(one) ?? Promise.resolve(), `${call} of ${client}`);
  return { client, call, late: lateness(call, started), error };
}

function lateness(call: string, started: number): string | undefined {
  const ms = performance.now() - started;
  return ms < (call === "list" ? LISTING : 1) * TIMEOUT + BUSY ? undefined : `${Math.round(ms)} ms`;
}

/** Makes all calls, one after the other, then `close()` during a call. */
async function endsOf({ name, backend, other }: Subject): Promise<End[]> {
  const ends: End[] = [];
  for (const call of Object.keys(calls)) ends.push(await endOf(name, call, backend));
  const pending = rejectionOf(other.load(ID));
  const started = performance.now();
  await other.close();
  ends.push({ client: name, call: "close", late: lateness("close", started), error: undefined });
  expect(await pending).toMatchObject({ code: "UNAVAILABLE" });
  return ends;
}

/** Creates the memory as it must be found again. */
async function ready(backend: RedisBackend<Note>): Promise<void> {
  await retried(() => backend.delete(ID));
  await retried(() => backend.append(ID, notes(0, 1), { operationId: "before" }));
}

/** Resolves when the backend writes again. */
async function recovered(backend: RedisBackend<Note>): Promise<void> {
  const limit = performance.now() + RECOVERY;
  for (;;) {
    try {
      await backend.append(ID, notes(1, 1), { operationId: "after" });
      return;
    } catch (error) {
      if (!MemoryError.is(error, "UNAVAILABLE") || performance.now() > limit) throw error;
      await pause(20); // between two attempts
    }
  }
}

async function subjectOf({ name, open }: Topology, place: Place): Promise<Subject> {
  const { backend, close } = await open(place);
  // The user may use keys that begin with "own". On a cluster, the first server has all these keys, and gets the
  // commands without a key.
  const tags = Array.from({ length: 1_000 }, (_, n) => `own{${n}}`);
  const prefix = `${tags.find((tag) => keySlot(tag) < 5_000)} ${name}:`;
  const options = { prefix, timeoutMs: TIMEOUT, index: true };
  return { name, backend: backend<Note>(options), other: backend<Note>(options), close };
}

async function withoutFailover(on: keyof typeof places): Promise<Place> {
  if (on === "cluster") return places.cluster({ nodeTimeoutMs: NO_FAILOVER });
  const place = await places[on]();
  for (const socket of on === "sentinels" ? place.nodes : []) {
    const sentinel = createClient({ socket, disableClientInfo: true });
    await sentinel.connect();
    await sentinel.sendCommand(["SENTINEL", "SET", place.name, "down-after-milliseconds", String(NO_FAILOVER)]);
    sentinel.destroy();
  }
  return place;
}
