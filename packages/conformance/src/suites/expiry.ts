import { setTimeout as sleep } from "node:timers/promises";
import { type MemoryBackend, type Revision, supports } from "@deep-agent/core/adapter";
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
  /** Whether the target advances its clock, so that time passes exactly and costs nothing. */
  isExact: boolean;
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
      await test({ backend: on.backend, stage: on, ttl, pass, isExact: advance !== undefined });
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

    "it stays until the end, and not much longer": (outer) =>
      expiring(outer, async ({ backend, stage, pass, isExact }) => {
        if (!isExact) throw new Absent("the target has no `ttl.advance`");
        await backend.save("saved", recordsFrom(0));
        await backend.save("empty", []);
        if (supports(backend, "log")) await backend.append("appended", recordsFrom(0));
        const ids = supports(backend, "log") ? ["saved", "empty", "appended"] : ["saved", "empty"];
        await pass(0.99);
        for (const id of ids) ok((await backend.load(id)) !== null, `the ${id} memory is gone before the end`);
        equal((await backend.list()).length, ids.length, "the number of memories before the end");
        await pass(0.02);
        for (const id of ids) equal(await backend.load(id), null, `load of the ${id} memory after the end`);
        equal(await stage.backend.list(), [], "list after the end");
      }),

    "no reading, no refused write and no second attempt renews it": (outer) =>
      expiring(outer, async ({ backend, pass }) => {
        const calls = await idleCalls(backend);
        await pass(0.6);
        for (const { call } of calls) await call();
        await pass(0.6);
        for (const { id, what } of calls)
          equal(await backend.load(id), null, `load after the end of a memory that ${what} must not renew`);
        equal(await backend.list(), ["written"], "list after the end");
      }),

    "a memory that was deleted and made again has a whole time of its own": (outer) =>
      expiring(outer, async ({ backend, pass }) => {
        await backend.save("m", recordsFrom(0));
        if (supports(backend, "log")) await backend.append("log", recordsFrom(0));
        await pass(0.6);
        await backend.delete("m");
        await backend.save("m", recordsFrom(1));
        if (supports(backend, "log")) {
          await backend.delete("log");
          await backend.append("log", recordsFrom(1));
        }
        await pass(0.6);
        equal(numbers(await backend.load("m")), [1], "load within the time of the new memory");
        if (supports(backend, "log")) equal(numbers(await backend.load("log")), [1], "load of the new log");
        await pass(0.7);
        equal(await backend.list(), [], "list after the end");
      }),

    "each save renews it": (outer) =>
      expiring(outer, async ({ backend, pass, isExact }) => {
        await backend.save("m", recordsFrom(0));
        for (let n = 1; n < (isExact ? 15 : 4); n++) {
          await pass(0.6);
          equal(numbers(await backend.load("m")), [n - 1], "load within the time of the last save");
          await backend.save("m", recordsFrom(n));
        }
        await pass(1.2);
        equal(await backend.load("m"), null, "load after the end");
      }),

    "each append renews it": (outer) =>
      expiring(outer, async ({ backend, stage, pass, isExact }) => {
        if (!supports(backend, "log")) throw stage.absent("log");
        const count = isExact ? 15 : 4;
        await backend.append("m", recordsFrom(0));
        for (let n = 1; n < count; n++) {
          await pass(0.6);
          await backend.append("m", recordsFrom(n));
        }
        await pass(0.6);
        equal(
          numbers(await backend.load("m")),
          numbers(recordsFrom(0, count)),
          "load within the time of the last append",
        );
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

    "info says when it expires, and that it was made when it was made again": (outer) =>
      expiring(outer, async ({ backend, stage, pass }) => {
        if (!supports(backend, "info")) throw stage.absent("info");
        await backend.save("m", recordsFrom(0));
        const old = await backend.info("m");
        await pass(1.2);
        await backend.save("m", recordsFrom(1));
        const made = await backend.info("m");
        ok(old !== null && made !== null, "info of an existing memory is null");
        ok(made.createdAt > old.createdAt, "createdAt is that of the memory that expired");
        equal(made.records, 1, "the records that info counts");
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

/** A call that must not renew the time to live of the memory `id`. */
interface IdleCall {
  id: string;
  /** The call, as the subject of a sentence. */
  what: string;
  call(): Promise<unknown>;
}

/** Makes a memory for each call of this backend that does not write to it, and one that is written. */
async function idleCalls(backend: MemoryBackend<KitRecord>): Promise<IdleCall[]> {
  const calls: IdleCall[] = [];
  const add = (what: string, call: (id: string) => Promise<unknown>): void => {
    const id = `idle-${calls.length}`;
    calls.push({ id, what, call: () => call(id) });
  };
  add("a load", (id) => backend.load(id));
  add("a list, or a write to another memory", async (id) => {
    await backend.list();
    await backend.list({ prefix: id });
    await backend.save("written", recordsFrom(1));
    await backend.delete("gone");
  });
  add("a save of a bigint", (id) => backend.save(id, [{ n: 1n }]).catch(() => undefined));
  add("an aborted save", (id) => backend.save(id, [], { signal: AbortSignal.abort() }).catch(() => undefined));
  const revisions = new Map<string, Revision>();
  if (supports(backend, "log")) {
    const start = (id: string): { since: Revision | undefined } => ({ since: revisions.get(id) });
    add("a read", (id) => backend.read(id));
    add("a read of the newest record", (id) => backend.read(id, { last: 1 }));
    add("a read since a revision", (id) => backend.read(id, start(id)));
    add("a read of the page before a revision", (id) => backend.read(id, { before: revisions.get(id) }));
    add("a second attempt at an append", (id) => backend.append(id, recordsFrom(0), { operationId: "append" }));
    add("a second attempt at an append since a revision", (id) =>
      backend.append(id, recordsFrom(0), { operationId: "append", ...start(id) }),
    );
    add("a second attempt at a save", (id) => backend.save(id, recordsFrom(0), { operationId: "save" }));
    add("an append that is refused for its `since`", (id) =>
      backend.append(id, recordsFrom(9), { since: null }).catch(() => undefined),
    );
    add("an append that is refused for the revision that it expects", (id) =>
      backend.append(id, recordsFrom(9), { expectedRevision: null }).catch(() => undefined),
    );
    add("a save that is refused", (id) =>
      backend.save(id, recordsFrom(9), { expectedRevision: null }).catch(() => undefined),
    );
  }
  if (supports(backend, "info")) add("an info", (id) => backend.info(id));
  if (supports(backend, "catalogue")) {
    add("a page of recent", (id) => backend.recent({ limit: 100, prefix: id }));
    add("a page of recent of all memories", () => backend.recent({ limit: 100 }));
  }
  if (supports(backend, "health")) add("a ping", () => backend.ping());
  for (const id of [...calls.map((one) => one.id), "gone"]) {
    if (!supports(backend, "log")) {
      await backend.save(id, recordsFrom(0));
      continue;
    }
    await backend.save(id, recordsFrom(0), { operationId: "save" });
    revisions.set(id, (await backend.read(id))?.revision ?? "");
    await backend.append(id, recordsFrom(0), { operationId: "append" });
  }
  return calls;
}

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

    "it moves no memory in the catalogue": (outer) =>
      expiring(outer, async ({ backend, stage, pass }) => {
        if (!supports(backend, "catalogue")) throw stage.absent("catalogue");
        for (const id of ["a", "b"]) {
          await backend.save(id, recordsFrom(0));
          await pass(0.05);
        }
        const before = await backend.recent({ limit: 5 });
        for (let time = 0; time < 3; time++) await backend.touch("a");
        equal(await backend.recent({ limit: 5 }), before, "recent after a touch");
      }),

    "appended entries stay with saved ones, and an empty memory stays, too": (outer) =>
      expiring(outer, async ({ backend, pass }) => {
        await backend.save("m", recordsFrom(0));
        await backend.save("empty", []);
        if (supports(backend, "log")) for (let n = 1; n < 4; n++) await backend.append("m", recordsFrom(n));
        const count = supports(backend, "log") ? 4 : 1;
        await pass(0.6);
        for (const id of ["m", "empty"]) await backend.touch(id);
        await pass(0.6);
        equal(numbers(await backend.load("m")), numbers(recordsFrom(0, count)), "load of a touched log");
        equal(await backend.load("empty"), [], "load of a touched empty memory");
        equal([...(await backend.list())].sort(), ["empty", "m"], "list");
        if (supports(backend, "info")) equal((await backend.info("m"))?.records, count, "the records that info counts");
        if (supports(backend, "log")) equal((await backend.read("m", { last: 1 }))?.records.length, 1, "read");
      }),

    async "a memory that never expires never expires after a touch either"({ backend }) {
      await backend.save("m", recordsFrom(0));
      const before = supports(backend, "info") ? await backend.info("m") : null;
      for (let time = 0; time < 3; time++) equal(await backend.touch("m"), undefined, "what touch returns");
      equal(numbers(await backend.load("m")), [0], "load");
      if (supports(backend, "info") && before?.expiresAt === null)
        equal(await backend.info("m"), before, "info after a touch");
    },

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
