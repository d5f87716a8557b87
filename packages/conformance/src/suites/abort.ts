import { type MemoryBackend, supports } from "@deep-agent/core/adapter";
import { equal, ok, rejectionOf } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";

export const abort: Suite = suite("an aborted call rejects with the signal's reason, and does nothing by halves", {
  async "one that is aborted before it is made does nothing"({ backend }) {
    await backend.save("m", recordsFrom(0));
    const reason = new Error("the user left");
    const signal = AbortSignal.abort(reason);
    for (const [method, call] of callsOf(backend, signal)) {
      ok(
        (await rejectionOf(call, method)) === reason,
        `${method} rejects with something else than the signal's reason`,
      );
    }
    equal(numbers(await backend.load("m")), [0], "load");
    equal(await backend.list(), ["m"], "list");
  },

  async "a reason may be anything"({ backend }) {
    for (const reason of ["left", 0, null]) {
      const controller = new AbortController();
      controller.abort(reason);
      equal(
        await rejectionOf(() => backend.load("m", { signal: controller.signal }), "load"),
        reason,
        "what load rejects with",
      );
    }
    const error = await rejectionOf(() => backend.load("m", { signal: AbortSignal.abort() }), "load");
    equal((error as Error).name, "AbortError", "the name of what load rejects with where no reason was given");
  },

  async "one that is aborted on its way is done or not, whole in any case"({ backend }) {
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
      ok(
        outcome === "done" || outcome === reason,
        "an aborted write rejects with something else than the signal's reason",
      );
      // What was sent before is not undone, and may take its time.
      if (outcome === "done") equal((await backend.load(id))?.length, 50, "records of a write that was done");
      else ok([undefined, 50].includes((await backend.load(id))?.length), "a write that was aborted is there by half");
    }
  },

  async "afterwards, everything goes on"({ backend }) {
    const controller = new AbortController();
    const calls = [...Array(5)].map(() => backend.load("m", { signal: controller.signal }));
    controller.abort();
    await Promise.allSettled(calls);
    await backend.save("m", recordsFrom(0));
    equal(numbers(await backend.load("m")), [0], "load");
  },

  async "an abort behind the end changes nothing"({ backend }) {
    const controller = new AbortController();
    const { signal } = controller;
    await backend.save("m", recordsFrom(0), { signal });
    controller.abort();
    equal(numbers(await backend.load("m")), [0], "load");
  },
});

/** Every method that there is, with a signal. */
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
