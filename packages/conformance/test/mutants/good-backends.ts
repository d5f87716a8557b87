import { setImmediate as tick } from "node:timers/promises";
import type { Capability } from "@deep-agent/core";
import {
  CallTracker,
  capabilityMethods,
  checkAppend,
  checkCall,
  checkList,
  checkSave,
  closed,
} from "@deep-agent/core/adapter";
import type { ConformanceTarget } from "../../src/index.ts";
import type { KitRecord } from "../../src/kit-records.ts";
import { inMemory } from "../in-memory-target.ts";
import { targetElsewhere } from "./elsewhere/target.ts";
import { onFourMethods, without } from "./four-methods.ts";
import { losingBackend, losingTarget } from "./losing-backend.ts";
import { type Mutation, targetOf } from "./mutant.ts";

const capabilities = Object.keys(capabilityMethods) as Capability[];

/** Copies its arguments at once, and uses the copies later: other calls may come in between. */
const delayed: Mutation = (honest) => {
  const calls = new CallTracker(() => closed("backend"));
  let count = 0;
  const later = <R>(call: () => Promise<R>): Promise<R> =>
    calls.run(async () => {
      const turns = (count++ * 7) % 5;
      for (let turn = 0; turn < turns; turn++) await tick();
      return call();
    });
  const copies = (texts: readonly string[]): KitRecord[] => texts.map((text) => JSON.parse(text) as KitRecord);
  const close = async (): Promise<void> => {
    await calls.end();
    await honest.close();
  };
  return {
    async load(id, options) {
      checkCall(id, options);
      const own = { ...options };
      return later(() => honest.load(id, own));
    },
    async save(id, records, options) {
      const own = { ...options };
      const copied = copies(checkSave(id, records, options));
      await later(() => honest.save(id, copied, own));
    },
    async append(id, records, options) {
      const own = { ...options };
      const copied = copies(checkAppend(id, records, options));
      return later(() => honest.append(id, copied, own));
    },
    async delete(id, options) {
      checkCall(id, options);
      const own = { ...options };
      await later(() => honest.delete(id, own));
    },
    async list(options) {
      checkList(options);
      const own = { ...options };
      return later(() => honest.list(own));
    },
    async read(id, options) {
      checkCall(id, options);
      const own = { ...options };
      return later(() => honest.read(id, own));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
};

/** Backends that keep every promise, each in another way. */
export const goodBackends: readonly ConformanceTarget[] = [
  inMemory,
  targetOf("in-memory, on a store with several instances"),
  targetOf("the four required methods only", onFourMethods()),
  ...capabilities.map((capability) => targetOf(`no ${capability}`, without(capability))),
  targetElsewhere("a store that several processes use"),
  targetOf("a delay before each call", delayed),
  losingTarget("a log that can lose entries", losingBackend),
];
