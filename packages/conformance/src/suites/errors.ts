import { inspect } from "node:util";
import { MemoryError, supports } from "@deep-agent/core/adapter";
import { equal, ok, rejectionOf, rejects } from "../expectations.ts";
import { type KitRecord, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";

const CANARY = "canary-7c1e2f";

export const errors: Suite = suite("a call that is wrong rejects with an error that says so, and quotes no record", {
  async "options that are none"({ backend }) {
    for (const options of [null, 7, "x"] as unknown as object[]) {
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
    equal(await backend.load("m"), null, "load after calls that were refused");
  },

  async "a signal or a prefix that is none"({ backend }) {
    const signal = {} as AbortSignal;
    await rejects(() => backend.load("m", { signal }), "INVALID_ARGUMENT", "load with a signal that is none");
    await rejects(
      () => backend.save("m", recordsFrom(0), { signal }),
      "INVALID_ARGUMENT",
      "save with a signal that is none",
    );
    await rejects(() => backend.list({ prefix: 7 as unknown as string }), "INVALID_ARGUMENT", "list with the prefix 7");
    equal(await backend.load("m"), null, "load after calls that were refused");
  },

  async "options that are there and undefined are as good as none"({ backend }) {
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

  async "the error has all that it needs, and is known by its marker"({ backend }) {
    const error = await rejects(() => backend.save("", recordsFrom(0)), "INVALID_MEMORY_ID", "save under an empty id");
    ok(error instanceof Error, "the error is no Error");
    equal(error.outcome, "not-applied", "outcome");
    equal(error.retryable, false, "retryable");
    ok(error.message.length > 10, "the message says nothing");
    ok(MemoryError.is(error), "MemoryError.is does not know it");
  },

  async "no text of a record is in it, however it is printed"({ backend }) {
    const records: KitRecord[] = [{ text: CANARY }, { text: CANARY, n: 1n }];
    const found = [await rejectionOf(() => backend.save("m", records), "save of a bigint")];
    if (supports(backend, "log")) {
      found.push(await rejectionOf(() => backend.append("m", records), "append of a bigint"));
      await backend.append("m", [{ text: CANARY }]);
      found.push(
        await rejectionOf(
          () => backend.append("m", [{ text: CANARY }], { expectedRevision: null }),
          "append over what is there",
        ),
        await rejectionOf(() => backend.append("m", [{ text: CANARY }], { since: "x" }), "append since nothing known"),
        await rejectionOf(
          () => backend.save("m", [{ text: CANARY }], { expectedRevision: null }),
          "save over what is there",
        ),
      );
    } else {
      found.push(await rejectionOf(() => backend.save("m", [{ text: CANARY }], { operationId: "op" }), "save by name"));
    }
    for (const error of found) {
      const printed = `${inspect(error, { depth: 10, showHidden: true })}\n${JSON.stringify(error)}`;
      ok(!printed.includes(CANARY), `the error quotes a record: ${printed.slice(0, 300)}`);
    }
  },
});
