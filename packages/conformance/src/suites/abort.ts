import { getEventListeners } from "node:events";
import { setImmediate as tick } from "node:timers/promises";
import { supports } from "@deep-agent/core/adapter";
import { equal, ok, rejectionOf } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";
import { callsOf } from "./calls.ts";

export const abort: Suite = suite(
  "an aborted call rejects with the signal's reason, and is done completely or not at all",
  {
    async "a call that is aborted before it is made does nothing"({ backend }) {
      await backend.save("m", recordsFrom(0));
      const reason = new Error("the user left");
      const signal = AbortSignal.abort(reason);
      const calls = [
        ...callsOf(backend),
        ["save of a new one", () => backend.save("new", recordsFrom(9), { signal })] as const,
      ];
      for (const [method, call] of calls) {
        ok(
          (await rejectionOf(() => call({ signal }), method)) === reason,
          `${method} does not reject with the signal's reason`,
        );
      }
      equal(numbers(await backend.load("m")), [0], "load");
      equal(await backend.list(), ["m"], "list");
      if (supports(backend, "log")) equal(numbers((await backend.read("m"))?.records), [0], "read");
    },

    async "a reason may be any value"({ backend }) {
      for (const reason of ["left", 0, null]) {
        const controller = new AbortController();
        controller.abort(reason);
        for (const [method, call] of callsOf(backend)) {
          equal(await rejectionOf(() => call({ signal: controller.signal }), method), reason, `${method}'s rejection`);
        }
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

    async "any call that is aborted while it runs ends as without the abort, or rejects with the reason"({ backend }) {
      const reason = new Error("the user left");
      for (let turns = 0; turns < 4; turns++) {
        await backend.save("m", recordsFrom(0, 5));
        for (const [method, call] of callsOf(backend)) {
          const controller = new AbortController();
          const running = call({ signal: controller.signal });
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          controller.abort(reason);
          const failure = await running.then(
            () => undefined,
            (error: unknown) => ({ error }),
          );
          ok(
            failure === undefined || failure.error === reason,
            `${method}, aborted while it runs, rejects with ${String(failure?.error)} instead of the signal's reason`,
          );
        }
        // A delete that was sent may take effect later, so the next round begins with a memory of its own state.
        await backend.delete("m");
      }
    },

    async "an append that was aborted and is made again, as the same operation, is there once"(stage) {
      const { backend } = stage;
      if (!supports(backend, "log")) throw stage.absent("log");
      await backend.append("m", recordsFrom(0));
      const since = (await backend.read("m"))?.revision;
      for (let round = 1; round <= 12; round++) {
        const controller = new AbortController();
        const options = { operationId: `op-${round}`, since };
        const first = backend.append("m", recordsFrom(round), { ...options, signal: controller.signal });
        for (let turn = 0; turn < round % 4; turn++) await Promise.resolve();
        controller.abort();
        await first.catch(() => undefined);
        await backend.append("m", recordsFrom(round), options);
      }
      equal(numbers(await backend.load("m")), numbers(recordsFrom(0, 13)), "load");
    },

    async "after an abort, other calls work"({ backend }) {
      const controller = new AbortController();
      const calls = [...Array(5)].map(() => backend.load("m", { signal: controller.signal }));
      controller.abort();
      await Promise.allSettled(calls);
      await backend.save("m", recordsFrom(0));
      equal(numbers(await backend.load("m")), [0], "load");
    },

    async "the abort of one call leaves calls alone that run at the same time"({ backend }) {
      await backend.save("m", recordsFrom(0, 5));
      for (let round = 0; round < 5; round++) {
        const controller = new AbortController();
        const { signal } = controller;
        const leaving = [backend.load("m", { signal }), backend.list({ signal })];
        const staying = [backend.load("m"), backend.load("m", { signal: new AbortController().signal })];
        const listing = backend.list();
        for (let turn = 0; turn < round; turn++) await Promise.resolve();
        controller.abort();
        await Promise.allSettled(leaving);
        for (const call of staying) equal(numbers(await call), [0, 1, 2, 3, 4], "load beside an aborted load");
        equal(await listing, ["m"], "list beside an aborted list");
      }
    },

    async "an abort after the end of a call changes nothing"({ backend }) {
      const controller = new AbortController();
      const { signal } = controller;
      await backend.save("m", recordsFrom(0), { signal });
      await backend.save("gone", recordsFrom(0), { signal });
      await backend.delete("gone", { signal });
      await backend.load("m", { signal });
      await backend.list({ signal });
      const expected = [0];
      if (supports(backend, "log")) {
        await backend.append("m", recordsFrom(1), { signal });
        await backend.read("m", { signal });
        expected.push(1);
      }
      controller.abort();
      for (let turn = 0; turn < 3; turn++) await tick();
      equal(numbers(await backend.load("m")), expected, "load");
      equal(await backend.list(), ["m"], "list");
    },

    async "no listener stays on a signal after the end of a call, whether it succeeded or not"({ backend }) {
      const { signal } = new AbortController();
      const mine = (): void => undefined;
      signal.onabort = mine;
      const before = getEventListeners(signal, "abort").length;
      const expectNoneOf = async (what: string): Promise<void> => {
        await tick();
        const left = getEventListeners(signal, "abort").length - before;
        equal(left, 0, `the number of listeners that ${what} left on its signal`);
        ok(signal.onabort === mine, `${what} replaced the \`onabort\` of its signal`);
      };
      for (let time = 0; time < 3; time++) {
        await backend.save("m", recordsFrom(0));
        for (const [method, call] of callsOf(backend)) {
          await call({ signal });
          await expectNoneOf(method);
        }
        await backend.save("m", [{ n: 1n }], { signal }).catch(() => undefined);
        await expectNoneOf("a save that was refused");
        if (!supports(backend, "log")) continue;
        await backend.append("m", recordsFrom(0), { since: "x", signal }).catch(() => undefined);
        await expectNoneOf("an append that was refused");
        for (let attempt = 0; attempt < 2; attempt++)
          await backend.append("log", recordsFrom(0), { operationId: `op-${time}`, signal });
        await expectNoneOf("a second attempt at an append");
      }
      const many = Array.from({ length: 20 }, () => backend.load("m", { signal }));
      await Promise.all(many);
      await expectNoneOf("one of several loads at the same time");
    },
  },
);
