import { supports } from "@deep-agent/core/adapter";
import { equal } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";
import { nextMoment } from "./moments.ts";

export const sharing: Suite = suite(
  "another instance sees every change at its next call",
  {
    async "saves, replacements and deletes, even of memories that it has read before"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      equal(await other.load("m"), null, "load of an absent memory by the other instance");
      await backend.save("m", recordsFrom(0, 2));
      equal(numbers(await other.load("m")), [0, 1], "load by the other instance");
      equal(await other.list(), ["m"], "list by the other instance");
      await backend.save("m", recordsFrom(5));
      equal(numbers(await other.load("m")), [5], "load of a replaced memory by the other instance");
      await other.save("m", recordsFrom(6));
      equal(numbers(await backend.load("m")), [6], "load by the first instance after a save by the other one");
      await backend.delete("m");
      equal(await other.load("m"), null, "load of a deleted memory by the other instance");
      equal(await other.list(), [], "list by the other instance after a delete");
    },

    async "changes by one and then by the other, of several memories, again and again"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      for (let n = 0; n < 10; n++) {
        const [writer, reader] = n < 5 ? [backend, other] : [other, backend];
        for (const id of ["a", "b"]) {
          await writer.save(id, [{ id, n }]);
          equal(await reader.load(id), [{ id, n }], `load by the other instance after ${n} changes`);
        }
        await writer.delete("b");
        equal(await reader.load("b"), null, `load of a deleted memory by the other instance after ${n} changes`);
        equal(await reader.list(), ["a"], `list by the other instance after ${n} changes`);
      }
    },

    async "the facts, and which memories were written last"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      await backend.save("m", recordsFrom(0, 3));
      if (supports(other, "info")) {
        equal((await other.info("m"))?.records, 3, "the records that info counts for the other instance");
        await backend.save("both", recordsFrom(0));
        const made = (await other.info("both"))?.createdAt;
        await nextMoment();
        await other.save("both", recordsFrom(0, 4));
        equal((await other.info("both"))?.createdAt, made, "createdAt after the other instance's save");
        if (supports(backend, "info"))
          equal((await backend.info("both"))?.records, 4, "the records that info counts after the other one's save");
        await backend.delete("both");
      }
      if (supports(other, "catalogue")) {
        const ids = async (): Promise<string[]> =>
          (await other.recent({ limit: 5 })).memories.map(({ memoryId }) => memoryId);
        equal(await ids(), ["m"], "recent of the other instance");
        await backend.delete("m");
        equal(await ids(), [], "recent of the other instance after a delete");
      }
    },
  },
  "concurrentOpen",
);
