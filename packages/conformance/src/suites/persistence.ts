import { type MemoryInfo, supports } from "@deep-agent/core/adapter";
import { equal, sameMembers } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";
import { nextMoment } from "./moments.ts";

export const persistence: Suite = suite(
  "another instance on the store finds what was written",
  {
    async "saved, replaced and deleted memories"(stage) {
      const { backend } = stage;
      await backend.save("a", recordsFrom(0, 3));
      await backend.save("b", recordsFrom(1));
      await backend.save("b", recordsFrom(2, 2));
      await backend.save("empty", []);
      await backend.save("deleted", recordsFrom(4));
      await backend.delete("deleted");
      const other = await stage.reopened();
      equal(numbers(await other.load("a")), [0, 1, 2], "load of a");
      equal(numbers(await other.load("b")), [2, 3], "load of b");
      equal(await other.load("empty"), [], "load of an empty memory");
      equal(await other.load("deleted"), null, "load of a deleted memory");
      sameMembers(await other.list(), ["a", "b", "empty"], "list");
      await other.delete("a");
      equal(await other.load("a"), null, "load after its delete");
    },

    async "ids and records of every kind"(stage) {
      const ids = ["a/b", "Ä\n", "😀", "..", "*", "x".repeat(1_024)];
      for (const id of ids) await stage.backend.save(id, [{ id, text: "é😀\n\u2028" }]);
      const other = await stage.reopened();
      for (const id of ids)
        equal(await other.load(id), [{ id, text: "é😀\n\u2028" }], `load of ${JSON.stringify(id.slice(0, 20))}`);
      sameMembers(await other.list(), ids, "list");
    },

    async "the facts about memories, and which were written last"(stage) {
      const { backend } = stage;
      await backend.save("a", recordsFrom(0, 3));
      await nextMoment();
      await backend.save("b", recordsFrom(1));
      const facts = supports(backend, "info") ? await backend.info("a") : null;
      const other = await stage.reopened();
      if (supports(other, "info")) {
        const { records, createdAt, updatedAt } = (await other.info("a")) ?? {};
        equal({ records, createdAt, updatedAt }, pick(facts), "info of a");
      }
      if (supports(other, "catalogue")) {
        const { memories } = await other.recent({ limit: 5 });
        equal(
          memories.map(({ memoryId }) => memoryId),
          ["b", "a"],
          "recent",
        );
      }
    },

    async "appended entries with the same revisions, and each operation once"(stage) {
      const { backend } = stage;
      if (!supports(backend, "log")) return;
      await backend.append("m", recordsFrom(0), { operationId: "op-0" });
      const known = (await backend.read("m"))?.revision;
      const first = await backend.append("m", recordsFrom(1), { operationId: "op-1", since: known });
      const other = await stage.reopened();
      if (!supports(other, "log")) return;
      equal(numbers((await other.read("m", { since: known }))?.records), [1], "the records since then");
      equal(
        await other.append("m", recordsFrom(1), { operationId: "op-1", since: known }),
        first,
        "the answer to a second attempt",
      );
      await other.append("m", recordsFrom(2), { expectedRevision: first });
      equal(numbers(await other.load("m")), [0, 1, 2], "load");
    },
  },
  "reopen",
);

function pick(facts: MemoryInfo | null): object {
  return { records: facts?.records, createdAt: facts?.createdAt, updatedAt: facts?.updatedAt };
}
