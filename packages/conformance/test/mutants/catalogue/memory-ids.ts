import { MemoryError } from "@deep-agent/core";
import { checkMemoryId, MAX_MEMORY_ID_BYTES } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../../src/kit-records.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { naming } from "../naming.ts";

export const memoryIds: Mutant[] = breaking("any valid id is safe, and any other id is rejected", {
  "keeps memories in a plain object": (honest) => {
    const memories: Record<string, KitRecord[]> = {};
    return {
      append: undefined,
      read: undefined,
      info: undefined,
      save: async (id, records, options) => {
        await honest.save(id, records, options);
        memories[id] = [...records];
      },
      load: async (id, options) => (await honest.load(id, options)) && (memories[id] ?? null),
      delete: async (id, options) => {
        await honest.delete(id, options);
        delete memories[id];
      },
      list: async () => Object.keys(memories),
    };
  },
  "refuses slashes": refusing((id) => id.includes("/")),
  "refuses ids of dots only": refusing((id) => /^\.+$/.test(id)),
  "refuses device names": refusing((id) => /^(con|nul|aux|lpt\d)(\.|$)/i.test(id)),
  "refuses wildcards": refusing((id) => /[*?[]/.test(id)),
  "refuses control characters": refusing((id) => id < " " || id.includes("\n")),
  "refuses white space": refusing((id) => id.trim() === ""),
  "refuses characters that are not Latin": refusing((id) => /[^\0-\xff]/.test(id)),
  "refuses private use": refusing((id) => id.includes("\ue000")),
  "refuses ids of 256 bytes": refusing((id) => Buffer.byteLength(id) >= 256),
  "refuses ids of 1,024 bytes": refusing((id) => Buffer.byteLength(id) >= MAX_MEMORY_ID_BYTES),
  "refuses names of properties that every object has": refusing((id) => id in {}),

  "accepts an empty id": naming((id) => (id === "" ? "(empty)" : id)),
  "accepts lone surrogates": naming((id) => (typeof id === "string" ? id.toWellFormed() : id)),
  "accepts numbers": naming((id) => (typeof id === "number" ? String(id) : id)),
  "accepts ids that are not strings": naming(String),
  "counts characters, not bytes": naming((id) =>
    typeof id === "string" && id.length <= MAX_MEMORY_ID_BYTES && Buffer.byteLength(id) > MAX_MEMORY_ID_BYTES
      ? id.slice(0, MAX_MEMORY_ID_BYTES / 4)
      : id,
  ),
  "cuts ids that are too long": naming((id) => (typeof id === "string" ? id.slice(0, MAX_MEMORY_ID_BYTES) : id)),
  "returns null for an invalid id": (honest) => ({
    load: async (id, options) => (id === "" ? null : honest.load(id, options)),
  }),
  "accepts a delete of an invalid id": (honest) => ({
    delete: async (id, options) => (id === "" ? undefined : honest.delete(id, options)),
  }),
  "refuses with a TypeError": naming((id) => {
    if (typeof id !== "string") throw new TypeError("The id must be a string.");
    return id;
  }),
  "throws instead of rejecting": (honest) => ({
    load(id, options) {
      checkMemoryId(id);
      return honest.load(id, options);
    },
  }),
  "returns no facts about long ids": (honest) => ({
    info: async (id, options) => (id.length > 500 ? null : honest.info(id, options)),
  }),
  "lists encoded ids": (honest) => ({
    list: async (options) => (await honest.list(options)).map((id) => Buffer.from(id, "latin1").toString("latin1")),
  }),
});

function refusing(isUnfit: (id: string) => boolean): Mutation {
  return naming((id) => {
    if (typeof id === "string" && isUnfit(id)) throw new MemoryError("INVALID_MEMORY_ID", "The id is unfit.");
    return id;
  });
}
