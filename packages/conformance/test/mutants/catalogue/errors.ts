import { MemoryError } from "@deep-agent/core";
import type { Full } from "../instance.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";

export const errors: Mutant[] = breaking("an invalid call rejects with an error that says why, and quotes no record", {
  "rejects with a plain error": failing((error) => new Error(error.message)),
  "rejects with an error that only looks like a MemoryError": failing(({ code, message }) =>
    Object.assign(new Error(message), { code }),
  ),
  "rejects with a string": failing(({ message }) => message),
  "rejects with another code": failing(({ message }) => new MemoryError("UNAVAILABLE", message)),
  "reports an unknown outcome of a rejected call": failing(
    ({ code, message }) => new MemoryError(code, message, { outcome: "unknown" }),
  ),
  "reports an invalid call as retryable": failing(
    ({ code, message }) => new MemoryError(code, message, { retryable: true }),
  ),
  "has an empty message": failing(({ code }) => new MemoryError(code, "")),

  "quotes the record in the message": failing(
    ({ code, memoryId }, records) => new MemoryError(code, `Cannot keep ${texts(records)}.`, { memoryId }),
  ),
  "quotes the record in the hint": failing(
    ({ code, message }, records) => new MemoryError(code, message, { hint: `It was ${texts(records)}.` }),
  ),
  "quotes the record in the cause": failing(
    ({ code, message }, records) => new MemoryError(code, message, { cause: new Error(`SET m ${texts(records)}`) }),
  ),
  "has the command in the cause": failing(({ code, message }, records) => {
    const cause = Object.assign(new Error("The command failed."), {
      command: { name: "SET", args: ["m", texts(records)] },
    });
    return new MemoryError(code, message, { cause });
  }),
  "has the records in a hidden property of the error": failing((error, records) =>
    Object.defineProperty(error, "records", { value: records, enumerable: false }),
  ),

  "throws instead of rejecting": (honest) => ({
    load(id, options) {
      if (options === null) throw new MemoryError("INVALID_ARGUMENT", "The options must be an object.");
      return honest.load(id, options);
    },
  }),
  "returns false instead of rejecting": (honest) => ({
    save: async (id, records, options) => honest.save(id, records, options).catch(() => false as unknown as undefined),
  }),
  "ignores options that are null": loose((options) => options ?? undefined),
  "ignores options that are a number": loose((options) => (typeof options === "number" ? undefined : options)),
  "ignores options that are a string": loose((options) => (typeof options === "string" ? undefined : options)),
  "accepts an invalid signal": (honest) => ({
    load: async (id, options) => honest.load(id, isNoSignal(options?.signal) ? undefined : options),
  }),
  "writes before it checks the signal": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, records);
      await honest.load(id, options);
    },
  }),
  "accepts a number as a prefix": (honest) => ({
    list: async (options) => honest.list(typeof options?.prefix === "number" ? {} : options),
  }),
  "treats an undefined prefix as a string": (honest) => ({
    list: async (options = {}) =>
      honest.list(isUndefined(options, "prefix") ? { ...options, prefix: "undefined" } : options),
  }),
  "rejects an undefined signal": (honest) => ({
    async load(id, options = {}) {
      if (isUndefined(options, "signal")) throw new MemoryError("INVALID_ARGUMENT", "No signal.");
      return honest.load(id, options);
    },
  }),
  "treats an undefined expected revision as null": (honest) => ({
    save: async (id, records, options = {}) =>
      honest.save(
        id,
        records,
        isUndefined(options, "expectedRevision") ? { ...options, expectedRevision: null } : options,
      ),
    append: async (id, records, options = {}) =>
      honest.append(
        id,
        records,
        isUndefined(options, "expectedRevision") ? { ...options, expectedRevision: null } : options,
      ),
  }),

  ...Object.fromEntries(
    (["read", "info", "touch"] as const).map((method) => [
      `ignores wrong options of ${method}`,
      lenient(method, (id, options) => [id, typeof options === "object" && options !== null ? options : undefined]),
    ]),
  ),
  "ignores wrong options of append": lenient("append", (id, records, options) => [
    id,
    records,
    typeof options === "object" && options !== null ? options : undefined,
  ]),
  "ignores wrong options of ping": lenient("ping", (options) => [
    typeof options === "object" && options !== null ? options : undefined,
  ]),
  "has a limit of its own if the options of recent are wrong": lenient("recent", (options) => [
    typeof options === "object" && options !== null ? options : { limit: 5 },
  ]),
  ...Object.fromEntries(
    (["read", "info", "touch", "delete"] as const).map((method) => [
      `accepts a wrong signal of ${method}`,
      lenient(method, (id, options) => [id, withoutWrongSignal(options)]),
    ]),
  ),
  "accepts a wrong signal of append": lenient("append", (id, records, options) => [
    id,
    records,
    withoutWrongSignal(options),
  ]),
  "accepts a wrong signal of ping": lenient("ping", (options) => [withoutWrongSignal(options)]),
  "says that a wrong option of a read is retryable": (honest) => ({
    async read(id, options) {
      try {
        return await honest.read(id, options);
      } catch (error) {
        throw MemoryError.is(error) ? new MemoryError(error.code, error.message, { retryable: true }) : error;
      }
    },
  }),
});

/** Rejects writes with another error. */
function failing(change: (error: MemoryError, records: readonly object[]) => unknown): Mutation {
  return (honest) => {
    const failed = (error: unknown, records: readonly object[]): unknown =>
      MemoryError.is(error) ? change(error, records) : error;
    return {
      save: (id, records, options) =>
        honest.save(id, records, options).catch((error: unknown) => Promise.reject(failed(error, records))),
      append: (id, records, options) =>
        honest.append(id, records, options).catch((error: unknown) => Promise.reject(failed(error, records))),
    };
  };
}

/** Checks the options of delete and list less strictly. */
function loose(change: (options: unknown) => unknown): Mutation {
  return (honest) => ({
    delete: async (id, options) => honest.delete(id, change(options) as Parameters<Full["delete"]>[1]),
    list: async (options) => honest.list(change(options) as Parameters<Full["list"]>[0]),
  });
}

function texts(records: readonly object[]): string {
  return records.map((record) => String(Object.values(record)[0])).join();
}

/** Whether an option is present, but undefined. */
function isUndefined(options: unknown, name: string): boolean {
  if (typeof options !== "object" || options === null) return false;
  return Object.hasOwn(options, name) && Reflect.get(options, name) === undefined;
}

function isNoSignal(signal: unknown): boolean {
  return typeof signal === "object" && !(signal instanceof AbortSignal);
}

/** Makes a call of a method with other arguments. */
function lenient(
  method: "read" | "info" | "touch" | "append" | "ping" | "recent" | "delete",
  change: (...args: unknown[]) => unknown[],
): Mutation {
  return (honest) => ({
    [method]: async (...args: unknown[]): Promise<unknown> => Reflect.apply(honest[method], honest, change(...args)),
  });
}

function withoutWrongSignal(options: unknown): unknown {
  const { signal } = Object(options) as { signal?: unknown };
  return signal === undefined || signal instanceof AbortSignal ? options : { ...Object(options), signal: undefined };
}
