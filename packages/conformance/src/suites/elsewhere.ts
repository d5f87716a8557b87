import { supports } from "@deep-agent/core/adapter";
import { Absent } from "../absent.ts";
import { answersOf, raceBursts } from "../elsewhere/race.ts";
import { broken, equal, ok, sameMembers } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";
import { missing } from "../target.ts";
import { expiring } from "./expiry.ts";

/** Records of a memory that is written while others read it: enough for more than one block of a file or a network. */
const LARGE = 60;

export const elsewhere: Suite = suite(
  "another process sees every change at its next call",
  {
    async "saves, replacements and deletes by either, even of memories that the other has read"(stage) {
      const { backend: here } = stage;
      const { backend: there } = await stage.elsewhere();
      equal(await there.load("m"), null, "load of an absent memory by the other process");
      equal(await there.list(), [], "list of an empty store by the other process");
      for (const [round, writer, reader] of [
        [0, here, there],
        [1, there, here],
        [2, here, there],
        [3, there, here],
      ] as const) {
        const by = reader === there ? "by the other process" : "after a call of the other process";
        await writer.save("m", recordsFrom(round, 2));
        equal(numbers(await reader.load("m")), [round, round + 1], `load ${by}`);
        equal(await reader.list(), ["m"], `list ${by}`);
        await writer.save("m", recordsFrom(round + 10));
        equal(numbers(await reader.load("m")), [round + 10], `load of a replaced memory ${by}`);
        await writer.save("empty", []);
        equal(await reader.load("empty"), [], `load of an empty memory ${by}`);
        await writer.delete("m");
        await writer.delete("empty");
        equal(await reader.load("m"), null, `load of a deleted memory ${by}`);
        equal(await reader.list(), [], `list after the deletes ${by}`);
      }
    },

    async "the facts, and which memories were written last"(stage) {
      const { backend: here } = stage;
      const { backend: there } = await stage.elsewhere();
      for (const [count, writer, reader] of [
        [3, here, there],
        [5, there, here],
      ] as const) {
        await writer.save("m", recordsFrom(0, count));
        if (supports(reader, "info") && supports(writer, "info")) {
          equal((await reader.info("m"))?.records, count, "the records that info counts in another process");
          equal(await reader.info("m"), await writer.info("m"), "info in another process");
        }
        if (supports(reader, "catalogue")) {
          await writer.save("other", recordsFrom(0));
          const { memories } = await reader.recent({ limit: 5 });
          sameMembers(
            memories.map(({ memoryId }) => memoryId),
            ["m", "other"],
            "recent in another process",
          );
          await writer.delete("other");
          equal((await reader.recent({ limit: 5 })).memories.length, 1, "recent in another process after a delete");
        }
      }
    },

    async "memories that both write at the same time, each its own: none is missing"(stage) {
      const { backend } = stage;
      const there = await stage.elsewhere();
      await raceBursts(stage, there, (n) => {
        const ids = (by: string): string[] => [0, 1, 2, 3, 4].map((one) => `${by}-${n}-${one}`);
        const saves = (by: string) => ids(by).map((id) => ({ method: "save", args: [id, [{ id }]] }));
        return {
          here: saves("here"),
          there: saves("there"),
          async check(own, theirs) {
            answersOf([...own, ...theirs], "save, while the other process saves another memory,");
            const all = [...ids("here"), ...ids("there")];
            for (const id of all) equal(await backend.load(id), [{ id }], `load of ${id}`);
            sameMembers(await backend.list(), all, "list after both processes saved memories");
            sameMembers(await there.backend.list(), all, "list by the other process");
            if (supports(backend, "catalogue")) {
              const { memories } = await backend.recent({ limit: 20 });
              const found = memories.map(({ memoryId }) => memoryId);
              sameMembers(found, all, "recent after both processes saved memories");
            }
            for (const id of all) await backend.delete(id);
          },
        };
      });
    },

    async "a load while the other process saves returns the old records or the new ones"(stage) {
      const { backend } = stage;
      const there = await stage.elsewhere();
      await backend.save("m", version(0));
      await raceBursts(stage, there, (n) => ({
        here: Array.from({ length: 8 }, () => ({ method: "load", args: ["m"] })),
        there: [1, 2, 3].map((one) => ({ method: "save", args: ["m", version(3 * n + one)] })),
        async check(own, theirs) {
          answersOf(theirs, "save by the other process, while this one loads,");
          for (const loaded of answersOf(own, "load, while the other process saves,"))
            versionOf(loaded as KitRecord[] | null, "load, while the other process saves,");
          equal(versionOf(await backend.load("m"), "load after the saves"), 3 * n + 3, "the version after the saves");
        },
      }));
    },

    "a time to live that one has begun or renewed ends for both": async (outer) => {
      const reason = missing(outer.target, "ttl");
      if (reason !== undefined) throw new Absent(reason);
      await expiring(outer, async ({ stage, backend: here, pass }) => {
        const { backend: there } = await stage.elsewhere();
        await here.save("m", recordsFrom(0, 2));
        equal(numbers(await there.load("m")), [0, 1], "load by the other process");
        await pass(0.6);
        await there.save("m", recordsFrom(5));
        if (supports(there, "log")) await there.append("m", recordsFrom(6));
        const expected = supports(there, "log") ? [5, 6] : [5];
        await pass(0.6);
        equal(numbers(await here.load("m")), expected, "load within the time that the other process renewed");
        if (supports(there, "expiry")) {
          await there.touch("m");
          await pass(0.6);
          equal(numbers(await here.load("m")), expected, "load within the time of the other process's touch");
        }
        await pass(0.7);
        for (const [by, one] of [
          ["the other process", there],
          ["this process", here],
        ] as const) {
          equal(await one.load("m"), null, `load by ${by} after the end`);
          equal(await one.list(), [], `list by ${by} after the end`);
        }
        await there.save("m", recordsFrom(9));
        equal(numbers(await here.load("m")), [9], "load of the memory that was created again");
      });
    },
  },
  "elsewhere",
);

/** All records of a version have its number. */
export function version(number: number): KitRecord[] {
  return Array.from({ length: LARGE }, (_, part) => ({ version: number, part, text: "x".repeat(300) }));
}

/** The version of a memory. Fails if it is not exactly one version. */
export function versionOf(records: KitRecord[] | null, what: string): number {
  const found = records?.[0]?.["version"];
  if (typeof found !== "number") broken(`${what} finds ${records === null ? "no memory" : "a memory without records"}`);
  equal(
    records?.map(({ version: one, part }) => [one, part]),
    version(found).map(({ part }) => [found, part]),
    `the versions and parts of the records that ${what} returns`,
  );
  ok(
    records?.every(({ text }) => String(text).length === 300),
    `${what} returns records that were cut`,
  );
  return found;
}
