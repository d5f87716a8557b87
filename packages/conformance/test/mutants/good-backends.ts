import { setImmediate as tick } from "node:timers/promises";
import type { Capability } from "@deep-agent/core";
import { capabilityMethods, checkAppend, checkPlainSave, checkSave } from "@deep-agent/core/adapter";
import type { ConformanceTarget } from "../../src/index.ts";
import type { KitRecord } from "../../src/kit-records.ts";
import { inMemory } from "../in-memory-target.ts";
import { targetElsewhere } from "./elsewhere/target.ts";
import { losingBackend, losingTarget } from "./losing-backend.ts";
import { type Changes, type Mutation, targetOf } from "./mutant.ts";

const capabilities = Object.keys(capabilityMethods) as Capability[];

/** The backend without the methods of a capability. */
function without(capability: Capability): Mutation {
  return (honest) => {
    const absent: Changes = Object.fromEntries(capabilityMethods[capability].map((method) => [method, undefined]));
    if (capability !== "log") return absent;
    return {
      ...absent,
      async save(id, records, options) {
        checkPlainSave(id, records, options);
        await honest.save(id, records, options);
      },
    };
  };
}

/** Copies its arguments at once, and uses the copies later: other calls may come in between. */
const delayed: Mutation = (honest) => {
  let calls = 0;
  const pause = async (): Promise<void> => {
    const turns = (calls++ * 7) % 5;
    for (let turn = 0; turn < turns; turn++) await tick();
  };
  const copies = (texts: readonly string[]): KitRecord[] => texts.map((text) => JSON.parse(text) as KitRecord);
  return {
    async load(...args) {
      await pause();
      return honest.load(...args);
    },
    async save(id, records, options) {
      const copied = copies(checkSave(id, records, options));
      await pause();
      await honest.save(id, copied, options);
    },
    async append(id, records, options) {
      const copied = copies(checkAppend(id, records, options));
      await pause();
      return honest.append(id, copied, options);
    },
    async delete(...args) {
      await pause();
      await honest.delete(...args);
    },
    async list(...args) {
      await pause();
      return honest.list(...args);
    },
    async read(...args) {
      await pause();
      return honest.read(...args);
    },
  };
};

/** Backends that keep every promise, each in another way. */
export const goodBackends: readonly ConformanceTarget[] = [
  inMemory,
  targetOf("in-memory, on a store with several instances"),
  targetOf("the four required methods only", (honest, store) =>
    Object.assign({}, ...capabilities.map((capability) => without(capability)(honest, store))),
  ),
  ...capabilities.map((capability) => targetOf(`no ${capability}`, without(capability))),
  targetElsewhere("a store that several processes use"),
  targetOf("a delay before each call", delayed),
  losingTarget("a log that can lose entries", losingBackend),
];
