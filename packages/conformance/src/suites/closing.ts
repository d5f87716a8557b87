import { type LifecycleCapability, type MemoryBackend, MemoryError, supports } from "@deep-agent/core/adapter";
import { equal, ok, rejects } from "../expectations.ts";
import { type KitRecord, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { missing } from "../target.ts";

export const closing: Suite = suiteOf("lifecycle", "close shuts a backend down cleanly", {
  async "once or several times, used or not"({ backend }) {
    equal(await backend.close(), undefined, "close of a backend that was not used");
    await Promise.all([backend.close(), backend.close()]);
    await backend[Symbol.asyncDispose]();
  },

  async "every later call rejects with CLOSED"({ backend }) {
    await backend.save("m", recordsFrom(0));
    await backend.close();
    for (const [method, call] of callsOf(backend)) await rejects(call, "CLOSED", `${method} after close`);
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

  async "another instance on the store continues to work"(stage) {
    if (missing(stage.target, "concurrentOpen") !== undefined) return;
    const other = await stage.another();
    await other.save("m", recordsFrom(0));
    await stage.backend.close();
    await other.save("m", recordsFrom(1));
    equal(await other.load("m"), recordsFrom(1), "load by the other instance");
  },
});

function callsOf(
  backend: MemoryBackend<KitRecord> & LifecycleCapability,
): [method: string, call: () => Promise<unknown>][] {
  const calls: [string, () => Promise<unknown>][] = [
    ["load", () => backend.load("m")],
    ["save", () => backend.save("m", recordsFrom(1))],
    ["delete", () => backend.delete("m")],
    ["list", () => backend.list()],
  ];
  if (supports(backend, "log"))
    calls.push(["append", () => backend.append("m", recordsFrom(1))], ["read", () => backend.read("m")]);
  if (supports(backend, "health")) calls.push(["ping", () => backend.ping()]);
  if (supports(backend, "info")) calls.push(["info", () => backend.info("m")]);
  if (supports(backend, "catalogue")) calls.push(["recent", () => backend.recent({ limit: 1 })]);
  if (supports(backend, "expiry")) calls.push(["touch", () => backend.touch("m")]);
  return calls;
}
