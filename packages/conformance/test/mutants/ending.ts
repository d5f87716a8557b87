import { instanceOn } from "./instance.ts";
import type { Mutation } from "./mutant.ts";
import { newStore } from "./store.ts";

/** A call that may renew a memory's time to live. */
export type Renewal = "save" | "append" | "touch";

/**
 * Expires memories at its own deadlines, in ms since 1970. The mutant computes the deadline after each call. A correct
 * one is `fresh`, a whole time to live from now.
 */
export function ending(renewed: (by: Renewal, fresh: number, deadline: number | undefined) => number): Mutation {
  return (_honest, { ttl, now }) => {
    if (ttl === null) return {};
    const kept = instanceOn(newStore());
    const deadlines = new Map<string, number>();
    const renew = (by: Renewal, id: string): void => {
      deadlines.set(id, renewed(by, now() + ttl, deadlines.get(id)));
    };
    const sweep = async (): Promise<void> => {
      for (const [id, deadline] of deadlines) {
        if (deadline >= now()) continue;
        deadlines.delete(id);
        await kept.delete(id);
      }
    };
    return {
      ...kept,
      async load(...args) {
        await sweep();
        return kept.load(...args);
      },
      async list(...args) {
        await sweep();
        return kept.list(...args);
      },
      async read(...args) {
        await sweep();
        return kept.read(...args);
      },
      async recent(...args) {
        await sweep();
        return kept.recent(...args);
      },
      async info(id, options) {
        await sweep();
        const facts = await kept.info(id, options);
        return facts && { ...facts, expiresAt: deadlines.get(id) ?? null };
      },
      async save(id, records, options) {
        await sweep();
        await kept.save(id, records, options);
        renew("save", id);
      },
      async append(id, records, options) {
        await sweep();
        const revision = await kept.append(id, records, options);
        renew("append", id);
        return revision;
      },
      async touch(id) {
        await sweep();
        if (deadlines.has(id)) renew("touch", id);
      },
    };
  };
}
