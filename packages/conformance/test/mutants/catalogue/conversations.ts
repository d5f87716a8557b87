import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { storing } from "../storing.ts";

export const conversations: Mutant[] = breaking(
  "conversations and agents remember on it, also where it had only the four methods",
  {
    "drops the ids of messages": storing(({ id: _, ...message }) => message),
    "gives messages ids of its own": (honest) => {
      let ids = 0;
      return {
        async load(...args) {
          const records = await honest.load(...args);
          return records?.map((record) => ({ ...record, id: `own-${ids++}` })) ?? null;
        },
      };
    },
    "keeps the user's messages": loading((role) => role === "user"),
    "answers what an agent said as nobody's": storing((message) => ({ ...message, role: "unknown" })),
    "lists no memories": () => ({ list: async () => [] }),
    "deletes nothing": () => ({ delete: async () => undefined }),
    "appends to one memory": (honest) => ({
      append: async (_id, records, options) => honest.append("alice", records, options),
    }),
    "saves once": (honest) => {
      const saved = new Set<string>();
      return {
        async save(id, records, options) {
          if (!saved.has(id)) await honest.save(id, records, options);
          saved.add(id);
        },
      };
    },
    "appends a turn again where its answer was lost": (honest) => ({
      append: async (id, records, options) => honest.append(id, records, { ...options, operationId: undefined }),
    }),
  },
);

/** Loads the messages of some roles alone. */
function loading(isKept: (role: unknown) => boolean): Mutation {
  return (honest) => ({
    async load(...args) {
      const records = await honest.load(...args);
      return records?.filter(({ role }) => isKept(role)) ?? null;
    },
  });
}
