import { type MemoryBackend, supports } from "@deep-agent/core/adapter";
import { equal, ok, rejectionOf } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";

export const abort: Suite = suite(
  "an aborted call rejects with the signal's reason, and is done completely or not at all",
  {
    async "a call that is aborted before it is made does nothing"({ backend }) {
      await backend.save("m", recordsFrom(0));
      const reason = new Error("the user left");
      const signal = AbortSignal.abort(reason);
      for (const [method, call] of callsOf(backend, signal)) {
        ok((await rejectionOf(call, method)) === reason, `${method} does not reject with the signal's reason`);
      }
      equal(numbers(await backend.load("m")), [0], "load");
      equal(await backend.list(), ["m"], "list");
    },

    async "a reason may be any value"({ backend }) {
      for (const reason of ["left", 0, null]) {
        const controller = new AbortController();
        controller.abort(reason);
        equal(
          await rejectionOf(() => backend.load("m", { signal: controller.signal }), "load"),
          reason,
          "load's rejection",
        );
      }
      const error = await rejectionOf(() => backend.load("m", { signal: AbortSignal.abort() }), "load");
      equal((error as Error).name, "AbortError", "the name of load's rejection if no reason was given");
    },

    async "a write that is aborted while it runs is done completely or not at all"({ backend }) {
      const reason = new Error("the user left");
      for (let round = 0; round < 20; round++) {
        const id = `m${round}`;
        const controller = new AbortController();
        const records = recordsFrom(0, 50);
        const write = supports(backend, "log")
          ? backend.append(id, records, { signal: controller.signal })
          : backend.save(id, records, { signal: controller.signal });
        for (let turn = 0; turn < round % 5; turn++) await Promise.resolve();
        controller.abort(reason);
        const outcome = await write.then(
          () => "done" as const,
          (error: unknown) => error,
        );
        ok(outcome === "done" || outcome === reason, "an aborted write does not reject with the signal's reason");
        // A write that was already sent is not undone, and may take effect later.
        if (outcome === "done")
          equal((await backend.load(id))?.length, 50, "the number of records of a completed write");
        else ok([undefined, 50].includes((await backend.load(id))?.length), "an aborted write is only partly there");
      }
    },

    async "after an abort, other calls work"({ backend }) {
      const controller = new AbortController();
      const calls = [...Array(5)].map(() => backend.load("m", { signal: controller.signal }));
      controller.abort();
      await Promise.allSettled(calls);
      await backend.save("m", recordsFrom(0));
      equal(numbers(await backend.load("m")), [0], "load");
    },

    async "an abort after the end of a call changes nothing"({ backend }) {
      const controller = new AbortController();
      const { signal } = controller;
      await backend.save("m", recordsFrom(0), { signal });
      controller.abort();
      equal(numbers(await backend.load("m")), [0], "load");
    },
  },
);

/** Every method that the backend has, with a signal. */
function callsOf(
  backend: MemoryBackend<KitRecord>,
  signal: AbortSignal,
): [method: string, call: () => Promise<unknown>][] {
  const calls: [string, () => Promise<unknown>][] = [
    ["load", () => backend.load("m", { signal })],
    ["save", () => backend.save("m", recordsFrom(9), { signal })],
    ["save of a new one", () => backend.save("new", recordsFrom(9), { signal })],
    ["delete", () => backend.delete("m", { signal })],
    ["list", () => backend.list({ signal })],
  ];
  if (supports(backend, "log")) {
    calls.push(
      ["append", () => backend.append("m", recordsFrom(9), { signal })],
      ["read", () => backend.read("m", { signal })],
    );
  }
  if (supports(backend, "health")) calls.push(["ping", () => backend.ping({ signal })]);
  if (supports(backend, "info")) calls.push(["info", () => backend.info("m", { signal })]);
  if (supports(backend, "catalogue")) calls.push(["recent", () => backend.recent({ limit: 1, signal })]);
  if (supports(backend, "expiry")) calls.push(["touch", () => backend.touch("m", { signal })]);
  return calls;
}
