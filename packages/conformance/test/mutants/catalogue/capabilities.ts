import { MemoryError } from "@deep-agent/core";
import { checkPlainSave } from "@deep-agent/core/adapter";
import { onFourMethods } from "../four-methods.ts";
import type { Full } from "../instance.ts";
import { breaking, type Mutant, type Mutation, targetOf } from "../mutant.ts";

/** A backend without a log, and with another save. */
function plain(save: (honest: Full) => Full["save"]): Mutation {
  return (honest) => ({ append: undefined, read: undefined, save: save(honest) });
}

async function notSupported(): Promise<never> {
  throw new MemoryError("NOT_SUPPORTED", "This backend cannot do that.");
}

const { ttl: _ttl, ...withoutTtl } = targetOf("has a touch, but a target without `ttl`");

export const capabilities: Mutant[] = breaking(
  "a backend has the four required methods, and each capability completely or not at all",
  {
    "has an empty name": () => ({ name: "" }),
    "has a number for a name": () => ({ name: 7 as never }),
    "has no list": () => ({ list: undefined }),
    "has no delete": () => ({ delete: undefined }),
    "has append, but no read": () => ({ read: undefined }),
    "has read, but no append": () => ({ append: undefined }),
    "closes, but not with `await using`": () => ({ [Symbol.asyncDispose]: undefined }),
    "has a log that is NOT_SUPPORTED": () => ({ append: notSupported, read: notSupported }),
    "has a ping that is NOT_SUPPORTED": () => ({ ping: notSupported }),
    "has a touch that is NOT_SUPPORTED": () => ({ touch: notSupported }),
    "has a catalogue that is NOT_SUPPORTED": () => ({ recent: notSupported }),
    "has null instead of an absent info": () => ({ info: null as never }),
    "has a touch, but a target without `ttl`": withoutTtl,

    "has no log, and ignores an operation id": plain((honest) => async (id, records, options = {}) => {
      checkPlainSave(id, records, { ...options, operationId: undefined });
      await honest.save(id, records);
    }),
    "has no log, and ignores an expected revision": plain((honest) => async (id, records, options = {}) => {
      checkPlainSave(id, records, { ...options, expectedRevision: undefined });
      await honest.save(id, records);
    }),
    "has no log, and ignores an expected null": plain((honest) => async (id, records, options = {}) => {
      checkPlainSave(id, records, { ...options, expectedRevision: options.expectedRevision ?? undefined });
      await honest.save(id, records);
    }),
    "has no log, and says so only after it has written": plain((honest) => async (id, records, options) => {
      await honest.save(id, records);
      checkPlainSave(id, records, options);
    }),

    "pings without a promise": () => ({ ping: (() => ({ latencyMs: 0 })) as never }),
    "deletes without a promise": (honest) => ({ delete: ((id: string) => void honest.delete(id)) as never }),
    "closes without a promise": () => ({ close: (() => undefined) as never }),
    "has four methods, and saves without a promise": onFourMethods((honest) => ({
      save: ((...args: Parameters<Full["save"]>) => void honest.save(...args)) as never,
    })),
  },
);
