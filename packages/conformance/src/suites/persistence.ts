import { type MemoryInfo, supports } from "@deep-agent/core/adapter";
import { equal, sameMembers } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";
import { type ConformanceTarget, maxRecordBytes } from "../target.ts";
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

    async "what several instances wrote, one after the other"(stage) {
      const { backend } = stage;
      await backend.save("m", recordsFrom(0));
      const made = supports(backend, "info") ? await backend.info("m") : null;
      let instance = await stage.reopened();
      for (let n = 1; n <= 4; n++) {
        equal(numbers(await instance.load("m")), [n - 1], `load by instance ${n + 1}`);
        await nextMoment();
        await instance.save("m", recordsFrom(n));
        await instance.save(`m${n}`, recordsFrom(n));
        if (supports(instance, "info"))
          equal((await instance.info("m"))?.createdAt, made?.createdAt, `createdAt after a save by instance ${n + 1}`);
        if (supports(instance, "lifecycle")) await instance.close();
        instance = await stage.another();
      }
      equal(numbers(await instance.load("m")), [4], "load by the last instance");
      sameMembers(await instance.list(), ["m", "m1", "m2", "m3", "m4"], "list by the last instance");
    },

    async "large records, and many"(stage) {
      const { backend, target } = stage;
      const records = [...recordsFrom(0, 2_000), { text: "é the end".padStart(maxTextOf(target), "x") }];
      await backend.save("m", records);
      equal(await (await stage.reopened()).load("m"), records, "load");
    },

    async "places and cursors of another instance, and its operations"(stage) {
      const { backend } = stage;
      for (const id of ["a", "b", "c"]) {
        await backend.save(id, recordsFrom(0, 6), supports(backend, "log") ? { operationId: "save" } : {});
        await nextMoment();
      }
      const page = supports(backend, "catalogue") ? await backend.recent({ limit: 1 }) : null;
      const window = supports(backend, "log") ? await backend.read("a", { last: 2 }) : null;
      const other = await stage.reopened();
      if (supports(other, "catalogue")) {
        const { memories } = await other.recent({ limit: 5, cursor: page?.cursor ?? undefined });
        equal(
          memories.map(({ memoryId }) => memoryId),
          ["b", "a"],
          "the page after that of another instance",
        );
      }
      if (!supports(other, "log")) return;
      const older = await other.read("a", { before: window?.start ?? "", last: 2 });
      equal([numbers(older?.records), older?.reset], [[2, 3], false], "the page before that of another instance");
      await other.append("a", recordsFrom(6), { expectedRevision: window?.revision });
      await other.save("a", recordsFrom(0, 6), { operationId: "save" });
      equal(numbers(await other.load("a")), [0, 1, 2, 3, 4, 5, 6], "load after another instance's save was repeated");
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

/** A length of text above a mebibyte, if the store allows it. */
function maxTextOf(target: ConformanceTarget): number {
  return Math.min(1_200_000, maxRecordBytes(target) - 1_024);
}

function pick(facts: MemoryInfo | null): object {
  return { records: facts?.records, createdAt: facts?.createdAt, updatedAt: facts?.updatedAt };
}
