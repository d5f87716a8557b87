import type { Capability } from "@deep-agent/core";
import { capabilityMethods, checkPlainSave } from "@deep-agent/core/adapter";
import type { Changes, Mutation } from "./mutant.ts";

const capabilities = Object.keys(capabilityMethods) as Capability[];

/** The changes that take the methods of a capability away. */
export function without(capability: Capability): Mutation {
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

/** The mutation on a backend that has the four required methods only. */
export function onFourMethods(mutation: Mutation = () => ({})): Mutation {
  return (honest, store) => {
    const absent: Changes = Object.assign({}, ...capabilities.map((capability) => without(capability)(honest, store)));
    const { load, save, delete: remove, list } = { ...absent, ...mutation({ ...honest, ...absent } as never, store) };
    const own = { load, save, delete: remove, list };
    return { ...absent, ...Object.fromEntries(Object.entries(own).filter(([, method]) => method !== undefined)) };
  };
}
