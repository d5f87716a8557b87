import { type Capability, capabilityMethods, requiredMethods, supports } from "@deep-agent/core/adapter";
import { equal, ok, rejects } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";
import { callsOf } from "./calls.ts";

export const capabilities: Suite = suite(
  "a backend has the four required methods, and each capability completely or not at all",
  {
    async "load, save, delete and list are functions"({ backend }) {
      for (const method of requiredMethods) equal(typeof backend[method], "function", method);
    },

    async "its name, if it has one, is a non-empty string"({ backend }) {
      const { name } = backend;
      ok(name === undefined || (typeof name === "string" && name !== ""), "`name` is not a non-empty string");
    },

    async "no capability is incomplete"({ backend }) {
      for (const [capability, methods] of Object.entries(capabilityMethods)) {
        const kinds = new Set(methods.map((method) => typeof Reflect.get(backend, method)));
        const isWhole = kinds.size === 1 && (kinds.has("function") || kinds.has("undefined"));
        ok(
          isWhole,
          `the backend has only some methods of the capability ${capability}: ${methods.map(String).join(", ")}`,
        );
      }
    },

    async "a method that exists does not reject as not supported"({ backend }) {
      const id = "m";
      await backend.save(id, recordsFrom(0));
      const calls: Record<Capability, () => Promise<unknown>> = {
        log: async () => supports(backend, "log") && [await backend.append(id, recordsFrom(1)), await backend.read(id)],
        health: async () => supports(backend, "health") && backend.ping(),
        lifecycle: async () => supports(backend, "lifecycle") && backend.close(),
        info: async () => supports(backend, "info") && backend.info(id),
        catalogue: async () => supports(backend, "catalogue") && backend.recent({ limit: 1 }),
        expiry: async () => supports(backend, "expiry") && backend.touch(id),
      };
      const { lifecycle, ...others } = calls;
      for (const call of [...Object.values(others), lifecycle]) await call();
    },

    async "every method returns a promise"({ backend }) {
      for (const [method, call] of callsOf(backend)) {
        const answer: { then?: unknown; catch?: unknown } | undefined = call();
        ok(
          typeof answer?.then === "function" && typeof answer.catch === "function",
          `${method} does not return a promise`,
        );
        await answer;
      }
      if (supports(backend, "lifecycle")) {
        for (const close of [() => backend.close(), () => backend[Symbol.asyncDispose]()])
          ok(typeof close()?.then === "function", "a method that closes the backend does not return a promise");
      }
    },

    async "without a log, a conditional or named save is NOT_SUPPORTED, and writes nothing"({ backend }) {
      if (supports(backend, "log")) return;
      await backend.save("m", recordsFrom(0));
      for (const options of [
        { expectedRevision: "r" },
        { expectedRevision: null },
        { operationId: "o" },
        { keepOperations: true },
      ]) {
        await rejects(
          () => backend.save("m", recordsFrom(1), options),
          "NOT_SUPPORTED",
          `save with ${Object.keys(options)[0]}`,
        );
        await rejects(
          () => backend.save("new", recordsFrom(1), options),
          "NOT_SUPPORTED",
          `save with ${Object.keys(options)[0]}`,
        );
      }
      equal(numbers(await backend.load("m")), [0], "load of the old memory after a rejected save");
      equal(await backend.load("new"), null, "load of the new memory after a rejected save");
    },

    async "a target whose backend has `touch` has a `ttl`"({ backend, target }) {
      ok(
        !supports(backend, "expiry") || target.ttl !== undefined,
        "the backend has `touch`, but the target has no `ttl` to test it with",
      );
    },
  },
);
