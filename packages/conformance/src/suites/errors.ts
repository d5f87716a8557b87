import { inspect } from "node:util";
import { MemoryError, type RecentOptions, supports } from "@deep-agent/core/adapter";
import { equal, ok, rejectionOf, rejects } from "../expectations.ts";
import { type KitRecord, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";
import { wrong } from "../wrong-value.ts";
import { callsOf } from "./calls.ts";

const CANARY = "canary-7c1e2f";

export const errors: Suite = suite("an invalid call rejects with an error that says why, and quotes no record", {
  async "options that are not an object"({ backend }) {
    for (const options of wrong<object[]>([null, 7, "x"])) {
      await rejects(() => backend.load("m", options), "INVALID_ARGUMENT", `load with ${String(options)} as options`);
      await rejects(
        () => backend.save("m", recordsFrom(0), options),
        "INVALID_ARGUMENT",
        `save with ${String(options)} as options`,
      );
      await rejects(
        () => backend.delete("m", options),
        "INVALID_ARGUMENT",
        `delete with ${String(options)} as options`,
      );
      await rejects(() => backend.list(options), "INVALID_ARGUMENT", `list with ${String(options)} as options`);
    }
    equal(await backend.load("m"), null, "load after rejected calls");
  },

  async "options that are not an object, of any method"({ backend }) {
    for (const options of wrong<RecentOptions[]>([null, 7, "x", true])) {
      for (const [method, call] of callsOf(backend)) {
        const own =
          method === "recent" && supports(backend, "catalogue") ? () => backend.recent(options) : () => call(options);
        const error = await rejects(own, "INVALID_ARGUMENT", `${method} with ${String(options)} as options`);
        equal([error.outcome, error.retryable], ["not-applied", false], "the outcome, and whether it is retryable");
      }
    }
    equal(await backend.load("m"), null, "load after rejected calls");
    equal(await backend.list(), [], "list after rejected calls");
  },

  async "an invalid signal, of any method"({ backend }) {
    for (const signal of wrong<AbortSignal[]>([{}, 7, "x", { aborted: false }])) {
      for (const [method, call] of callsOf(backend))
        await rejects(() => call({ signal }), "INVALID_ARGUMENT", `${method} with an invalid signal`);
    }
    equal(await backend.list(), [], "list after rejected calls");
  },

  async "an invalid signal or prefix"({ backend }) {
    const signal = wrong<AbortSignal>({});
    await rejects(() => backend.load("m", { signal }), "INVALID_ARGUMENT", "load with an invalid signal");
    await rejects(
      () => backend.save("m", recordsFrom(0), { signal }),
      "INVALID_ARGUMENT",
      "save with an invalid signal",
    );
    await rejects(() => backend.list({ prefix: wrong<string>(7) }), "INVALID_ARGUMENT", "list with the prefix 7");
    equal(await backend.load("m"), null, "load after rejected calls");
  },

  async "an option that is undefined is the same as no option"({ backend }) {
    await backend.save("m", recordsFrom(0), { signal: undefined, expectedRevision: undefined, operationId: undefined });
    equal(await backend.load("m", { signal: undefined }), recordsFrom(0), "load");
    equal(await backend.list({ prefix: undefined, signal: undefined }), ["m"], "list");
    if (supports(backend, "log")) {
      await backend.append("m", recordsFrom(1), {
        since: undefined,
        expectedRevision: undefined,
        operationId: undefined,
      });
      equal(
        (await backend.read("m", { last: undefined, since: undefined, before: undefined }))?.records,
        recordsFrom(0, 2),
        "read",
      );
    }
    await backend.delete("m", { signal: undefined });
  },

  async "the error has a message and details, and MemoryError.is recognizes it"({ backend }) {
    const error = await rejects(() => backend.save("", recordsFrom(0)), "INVALID_MEMORY_ID", "save under an empty id");
    ok(error instanceof Error, "the error is not an Error");
    equal(error.outcome, "not-applied", "outcome");
    equal(error.retryable, false, "retryable");
    ok(error.message.length > 10, "the error has no useful message");
    ok(MemoryError.is(error), "MemoryError.is does not recognize the error");
  },

  async "the error quotes no text of a record, however it is printed"({ backend }) {
    const records: KitRecord[] = [{ text: CANARY }, { text: CANARY, n: 1n }];
    const found = [await rejectionOf(() => backend.save("m", records), "save of a bigint")];
    if (supports(backend, "log")) {
      found.push(await rejectionOf(() => backend.append("m", records), "append of a bigint"));
      await backend.append("m", [{ text: CANARY }]);
      found.push(
        await rejectionOf(
          () => backend.append("m", [{ text: CANARY }], { expectedRevision: null }),
          "append to a memory that must not exist",
        ),
        await rejectionOf(
          () => backend.append("m", [{ text: CANARY }], { since: "x" }),
          "append since an invented revision",
        ),
        await rejectionOf(
          () => backend.save("m", [{ text: CANARY }], { expectedRevision: null }),
          "save over a memory that must not exist",
        ),
      );
    } else {
      found.push(
        await rejectionOf(
          () => backend.save("m", [{ text: CANARY }], { operationId: "op" }),
          "save with an operation id",
        ),
      );
    }
    for (const error of found) {
      const printed = `${inspect(error, { depth: 10, showHidden: true })}\n${JSON.stringify(error)}`;
      ok(!printed.includes(CANARY), `the error quotes a record: ${printed.slice(0, 300)}`);
    }
  },
});
