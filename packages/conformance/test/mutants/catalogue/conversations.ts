import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { storing } from "../storing.ts";

export const conversations: Mutant[] = breaking(
  "conversations and agents remember, even with the four required methods only",
  {
    "drops the ids of messages": storing(({ id: _, ...message }) => message),
    "replaces the ids of messages": (honest) => {
      let ids = 0;
      return {
        async load(...args) {
          const records = await honest.load(...args);
          return records?.map((record) => ({ ...record, id: `own-${ids++}` })) ?? null;
        },
      };
    },
    "keeps the user's messages only": loading((role) => role === "user"),
    "changes the role of messages": storing((message) => ({ ...message, role: "unknown" })),
    "lists no memories": () => ({ list: async () => [] }),
    "deletes nothing": () => ({ delete: async () => undefined }),
    "appends to one memory": (honest) => ({
      append: async (_id, records, options) => honest.append("alice", records, options),
    }),
    "saves only once": (honest) => {
      const saved = new Set<string>();
      return {
        async save(id, records, options) {
          if (!saved.has(id)) await honest.save(id, records, options);
          saved.add(id);
        },
      };
    },
    "appends a turn again if its answer was lost": (honest) => ({
      append: async (id, records, options) => honest.append(id, records, { ...options, operationId: undefined }),
    }),
  },
);

/** Loads only the messages of some roles. */
function loading(isKept: (role: unknown) => boolean): Mutation {
  return (honest) => ({
    async load(...args) {
      const records = await honest.load(...args);
      return records?.filter(({ role }) => isKept(role)) ?? null;
    },
  });
}
