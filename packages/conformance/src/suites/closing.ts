import { setImmediate as tick } from "node:timers/promises";
import { type LifecycleCapability, type MemoryBackend, MemoryError, supports } from "@deep-agent/core/adapter";
import { equal, ok, rejects } from "../expectations.ts";
import { type KitRecord, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { missing } from "../target.ts";
import { callsOf } from "./calls.ts";
import { nextMoment } from "./moments.ts";

export const closing: Suite = suiteOf("lifecycle", "close shuts a backend down cleanly", {
  async "once or several times, used or not"({ backend }) {
    equal(await backend.close(), undefined, "close of a backend that was not used");
    await Promise.all([backend.close(), backend.close()]);
    await backend[Symbol.asyncDispose]();
    for (let time = 0; time < 5; time++) equal(await backend.close(), undefined, "a later close");
  },

  async "every later call rejects with CLOSED"({ backend }) {
    await backend.save("m", recordsFrom(0));
    await backend.close();
    for (let time = 0; time < 3; time++) {
      for (const [method, call] of callsOf(backend)) {
        const error = await rejects(call, "CLOSED", `${method} after close`);
        equal(error.outcome, "not-applied", `the outcome of ${method} after close`);
      }
    }
  },

  async "a call that is made before close has ended rejects with CLOSED, too, and writes nothing"(stage) {
    const { backend, target } = stage;
    await backend.save("m", recordsFrom(0));
    const running = backend.load("m");
    const closed = backend.close();
    const late = backend.save("late", recordsFrom(1));
    await rejects(() => late, "CLOSED", "save while close runs");
    await running.catch(() => undefined);
    await closed;
    if (missing(target, "reopen") !== undefined) return;
    await nextMoment();
    equal(await (await stage.another()).load("late"), null, "load of what was saved while close ran");
  },

  async "`await using` closes it, too"({ backend }) {
    await backend.save("m", recordsFrom(0));
    await backend[Symbol.asyncDispose]();
    await rejects(() => backend.load("m"), "CLOSED", "load after Symbol.asyncDispose");
  },

  async "calls in flight settle, and acknowledged writes are stored"(stage) {
    const { backend, target } = stage;
    await backend.save("m", recordsFrom(0));
    const saves = Array.from({ length: 8 }, (_, index) => backend.save(`m${index}`, recordsFrom(index)));
    const closed = backend.close();
    const results = await Promise.allSettled(saves);
    await closed;
    for (const result of results) {
      const ended = result.status === "fulfilled" || MemoryError.is(result.reason);
      ok(ended, "a call in flight rejected with an error that is not a MemoryError");
    }
    if (missing(target, "reopen") !== undefined) return;
    const other = await stage.another();
    for (const [index, result] of results.entries()) {
      if (result.status === "fulfilled")
        equal(await other.load(`m${index}`), recordsFrom(index), "load of an acknowledged write");
    }
  },

  "close waits for the calls in flight": ({ backend }) => expectWait(backend, () => backend.close()),

  "a second close waits for the calls in flight, too": ({ backend }) =>
    expectWait(backend, () => {
      void backend.close();
      return backend.close();
    }),

  "`await using` waits for the calls in flight, too": ({ backend }) =>
    expectWait(backend, async () => backend[Symbol.asyncDispose]()),

  async "nothing is written after the end of close"(stage) {
    const { backend, target } = stage;
    await backend.save("m", recordsFrom(0));
    const saves = Array.from({ length: 8 }, (_, index) => backend.save(`m${index}`, recordsFrom(index)));
    const others: Promise<unknown>[] = [backend.delete("absent")];
    if (supports(backend, "log")) for (let n = 1; n < 8; n++) others.push(backend.append("m", recordsFrom(n)));
    const results = Promise.allSettled(saves);
    const otherResults = Promise.allSettled(others);
    await backend.close();
    if (missing(target, "reopen") !== undefined) return;
    const other = await stage.another();
    const stored = await contentsOf(other);
    for (let time = 0; time < 3; time++) {
      await nextMoment();
      equal(await contentsOf(other), stored, "what the store has a moment after the end of close");
    }
    for (const [index, result] of (await results).entries()) {
      if (result.status === "fulfilled" || !MemoryError.is(result.reason)) continue;
      if (result.reason.outcome === "not-applied")
        equal(stored[`m${index}`], undefined, "load of a save that rejected as not applied");
    }
    await otherResults;
  },

  async "another instance on the store continues to work"(stage) {
    if (missing(stage.target, "concurrentOpen") !== undefined) return;
    const other = await stage.another();
    await other.save("m", recordsFrom(0));
    await stage.backend.close();
    for (let n = 1; n <= 5; n++) {
      await other.save("m", recordsFrom(n));
      equal(await other.load("m"), recordsFrom(n), "load by the other instance");
    }
    for (const [method, call] of callsOf(other)) {
      await call().catch((error: unknown) =>
        ok(false, `${method} of the other instance rejects with ${String(error)}`),
      );
    }
  },
});

/** Closes while calls run. Expects that they have settled when close has ended. */
async function expectWait(
  backend: MemoryBackend<KitRecord> & LifecycleCapability,
  close: () => Promise<void>,
): Promise<void> {
  await backend.save("m", recordsFrom(0));
  const running = new Set<string>();
  const calls = callsOf(backend).map(async ([method, call]) => {
    running.add(method);
    await call().catch(() => undefined);
    running.delete(method);
  });
  await close();
  // A call may need some steps more than `close` to hand on its answer, but nothing more from the store.
  await tick();
  equal([...running], [], "the calls that still run after the end of close");
  await Promise.all(calls);
}

async function contentsOf(backend: MemoryBackend<KitRecord>): Promise<Record<string, KitRecord[] | null>> {
  const contents: Record<string, KitRecord[] | null> = {};
  for (const id of (await backend.list()).sort()) contents[id] = await backend.load(id);
  return contents;
}
