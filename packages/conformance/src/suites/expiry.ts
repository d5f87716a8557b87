import { setTimeout as sleep } from "node:timers/promises";
import { type MemoryBackend, supports } from "@deep-agent/core/adapter";
import { Absent } from "../absent.ts";
import { equal, ok, rejects } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import type { Stage } from "../stage.ts";
import { type Suite, suite, suiteOf } from "../suite.ts";

/** Times to live in ms, if the target cannot advance its clock. A busy machine may be too slow for the first ones. */
const TTLS_IN_REAL_TIME = [1_200, 3_000, 9_000];
const TTL_BY_CLOCK = 60_000;

export interface Expiring<B extends MemoryBackend<KitRecord>> {
  backend: B;
  stage: Stage<B>;
  ttl: number;
  /** Lets a part of the TTL pass; 1 is all of it. */
  pass(share: number): Promise<void>;
}

/** Runs the test on a backend whose memories expire. In real time, a failed test runs again with a longer TTL. */
export async function expiring<B extends MemoryBackend<KitRecord>>(
  stage: Stage<B>,
  test: (on: Expiring<B>) => Promise<void>,
): Promise<void> {
  const { advance } = stage.target.ttl ?? {};
  const ttls = advance === undefined ? TTLS_IN_REAL_TIME : [TTL_BY_CLOCK];
  for (const [index, ttl] of ttls.entries()) {
    const on = await stage.expiring(ttl);
    const pass = async (share: number): Promise<void> => {
      await (advance === undefined ? sleep(ttl * share) : advance(ttl * share));
    };
    try {
      await test({ backend: on.backend, stage: on, ttl, pass });
      return;
    } catch (error) {
      if (index === ttls.length - 1) throw error;
    }
  }
}

export const expiry: Suite = suite(
  "a memory expires if nothing is written to it for its time to live",
  {
    "it stays until then, and is then gone for every method": (outer) =>
      expiring(outer, async ({ backend, pass }) => {
        await backend.save("m", recordsFrom(0, 2));
        await pass(0.5);
        equal(numbers(await backend.load("m")), [0, 1], "load before the end");
        equal(await backend.list(), ["m"], "list before the end");
        await pass(0.7);
        equal(await backend.load("m"), null, "load after the end");
        equal(await backend.list(), [], "list after the end");
        if (supports(backend, "log")) equal(await backend.read("m", { last: 1 }), null, "read after the end");
        if (supports(backend, "info")) equal(await backend.info("m"), null, "info after the end");
        if (supports(backend, "catalogue"))
          equal((await backend.recent({ limit: 5 })).memories, [], "recent after the end");
      }),

    "each save renews it": (outer) =>
      expiring(outer, async ({ backend, pass }) => {
        await backend.save("m", recordsFrom(0));
        for (let n = 1; n < 4; n++) {
          await pass(0.6);
          equal(numbers(await backend.load("m")), [n - 1], "load within the time of the last save");
          await backend.save("m", recordsFrom(n));
        }
        await pass(1.2);
        equal(await backend.load("m"), null, "load after the end");
      }),

    "each append renews it": (outer) =>
      expiring(outer, async ({ backend, stage, pass }) => {
        if (!supports(backend, "log")) throw stage.absent("log");
        await backend.append("m", recordsFrom(0));
        for (let n = 1; n < 4; n++) {
          await pass(0.6);
          await backend.append("m", recordsFrom(n));
        }
        await pass(0.6);
        equal(numbers(await backend.load("m")), [0, 1, 2, 3], "load within the time of the last append");
        await pass(0.7);
        equal(await backend.load("m"), null, "load after the end");
      }),

    "each memory has its own time": (outer) =>
      expiring(outer, async ({ backend, pass }) => {
        await backend.save("old", recordsFrom(0));
        await pass(0.6);
        await backend.save("young", recordsFrom(1));
        await pass(0.6);
        equal(await backend.load("old"), null, "load of the old memory");
        equal(numbers(await backend.load("young")), [1], "load of the new memory");
        equal(await backend.list(), ["young"], "list");
      }),

    "expired records do not come back with new ones": (outer) =>
      expiring(outer, async ({ backend, pass }) => {
        await backend.save("m", recordsFrom(0, 3));
        await pass(1.2);
        await backend.save("m", recordsFrom(7));
        equal(numbers(await backend.load("m")), [7], "load");
        if (!supports(backend, "log")) return;
        await backend.append("log", recordsFrom(0), { operationId: "op" });
        const since = (await backend.read("log"))?.revision;
        await pass(1.2);
        await rejects(
          () => backend.append("log", recordsFrom(1), { operationId: "op-2", since }),
          "CONFLICT",
          "append since a log that expired",
        );
        equal(await backend.load("log"), null, "load after that append");
        await backend.append("log", recordsFrom(5));
        const snapshot = await backend.read("log", { since });
        equal(numbers(snapshot?.records), [5], "read since the log that expired");
        equal([snapshot?.reset, snapshot?.regressed], [true, false], "reset and regressed");
        await rejects(
          () => backend.append("log", recordsFrom(0), { operationId: "op", since }),
          "CONFLICT",
          "a second attempt on a new log",
        );
      }),

    "info says when it expires": (outer) =>
      expiring(outer, async ({ backend, stage, pass, ttl }) => {
        if (!supports(backend, "info")) throw stage.absent("info");
        await backend.save("m", recordsFrom(0));
        const first = await backend.info("m");
        ok(first !== null && first.expiresAt !== null, "a memory that expires has no expiresAt");
        const life = first.expiresAt - first.updatedAt;
        ok(
          life > ttl * 0.5 && life < ttl * 1.5,
          `the memory expires ${life} ms after its last write, with a TTL of ${ttl} ms`,
        );
        await pass(0.5);
        await backend.save("m", recordsFrom(1));
        ok(((await backend.info("m"))?.expiresAt ?? 0) > first.expiresAt, "expiresAt did not move with another write");
      }),

    "nothing of it is left in the store": (outer) =>
      expiring(outer, async ({ backend, stage, pass }) => {
        await backend.save("first", recordsFrom(0));
        await backend.delete("first");
        const before = await stage.residue();
        if (before === undefined) throw new Absent("the target has no `residue`");
        await backend.save("m", recordsFrom(0, 5));
        if (supports(backend, "log")) await backend.append("m", recordsFrom(5));
        await pass(1.2);
        // Some stores remove expired memories only at the next call.
        equal(await backend.load("m"), null, "load after the end");
        if (supports(backend, "catalogue")) await backend.recent({ limit: 5 });
        const left = [...((await stage.residue()) ?? [])].filter((name) => !before.has(name));
        equal(left, [], "what the store still keeps");
      }),
  },
  "ttl",
);

export const touching: Suite = suiteOf(
  "expiry",
  "touch renews a memory's time to live, and changes nothing else",
  {
    "a touched memory does not expire": (outer) =>
      expiring(outer, async ({ backend, pass }) => {
        await backend.save("m", recordsFrom(0, 2));
        for (let time = 0; time < 3; time++) {
          await pass(0.6);
          equal(await backend.touch("m"), undefined, "what touch returns");
        }
        await pass(0.6);
        equal(numbers(await backend.load("m")), [0, 1], "load within the time of the last touch");
        await pass(0.7);
        equal(await backend.load("m"), null, "load after the end");
      }),

    "its revision and its times do not change": (outer) =>
      expiring(outer, async ({ backend, pass }) => {
        await backend.save("m", recordsFrom(0, 2));
        const info = supports(backend, "info") ? await backend.info("m") : null;
        const revision = supports(backend, "log") ? (await backend.read("m"))?.revision : undefined;
        await pass(0.3);
        await backend.touch("m");
        equal(numbers(await backend.load("m")), [0, 1], "load");
        if (supports(backend, "log")) equal((await backend.read("m"))?.revision, revision, "the revision");
        if (!supports(backend, "info") || info === null) return;
        const after = await backend.info("m");
        equal([after?.createdAt, after?.updatedAt], [info.createdAt, info.updatedAt], "createdAt and updatedAt");
        ok((after?.expiresAt ?? 0) > (info.expiresAt ?? 0), "expiresAt did not move");
      }),

    "an absent memory stays absent, and other memories are not touched": (outer) =>
      expiring(outer, async ({ backend, pass }) => {
        await backend.save("other", recordsFrom(0));
        await pass(0.6);
        await backend.touch("absent");
        equal(await backend.load("absent"), null, "load");
        await pass(0.6);
        await backend.touch("other");
        equal(await backend.load("other"), null, "load of another memory, which expired meanwhile");
        equal(await backend.list(), [], "list");
      }),
  },
  "ttl",
);
