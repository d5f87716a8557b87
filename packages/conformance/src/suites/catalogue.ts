import { type CatalogueCapability, type RecentMemory, supports } from "@deep-agent/core/adapter";
import { equal, ok, rejects } from "../expectations.ts";
import { recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { wrong } from "../wrong-value.ts";
import { nextMoment } from "./moments.ts";

export const catalogue: Suite = suiteOf(
  "catalogue",
  "recent returns the memories that were written last, page by page",
  {
    async "no memories, for an empty store"({ backend }) {
      equal(await backend.recent({ limit: 10 }), { memories: [], cursor: null }, "recent");
    },

    async "the memory that was written last comes first"({ backend }) {
      for (const id of ["a", "b", "c", "d"]) {
        await backend.save(id, recordsFrom(0));
        await nextMoment();
      }
      equal(idsOf(await all(backend, 10)), ["d", "c", "b", "a"], "recent");
      await backend.save("a", recordsFrom(1));
      await nextMoment();
      if (supports(backend, "log")) await backend.append("c", recordsFrom(1));
      else await backend.save("c", recordsFrom(1));
      await nextMoment();
      equal(idsOf(await all(backend, 10)), ["c", "a", "d", "b"], "recent after a and c were written");
      await backend.load("b");
      await backend.delete("a");
      equal(idsOf(await all(backend, 10)), ["c", "d", "b"], "recent after b was read and a deleted");
    },

    async "each with the time of its last write, in descending order"({ backend }) {
      for (let n = 0; n < 5; n++) {
        await backend.save(`m${n}`, recordsFrom(0));
        await nextMoment();
      }
      // The time of the first write must not return.
      await backend.save("m0", recordsFrom(1));
      const memories = await all(backend, 2);
      for (const { memoryId, updatedAt } of memories) {
        ok(
          Number.isFinite(updatedAt) && updatedAt > 1_000_000_000_000,
          `updatedAt of ${memoryId} is ${updatedAt}, which is not a time in ms`,
        );
      }
      const times = memories.map(({ updatedAt }) => updatedAt);
      equal(
        times,
        [...times].sort((one, other) => other - one),
        "the times, newest first",
      );
    },

    async "every memory once, with pages of any size"({ backend }) {
      const ids = Array.from({ length: 23 }, (_, index) => `m${index}`);
      for (const id of ids) await backend.save(id, recordsFrom(0));
      for (const limit of [1, 5, 22, 23, 24, 1_000]) {
        const seen = idsOf(await all(backend, limit));
        equal([...seen].sort(), [...ids].sort(), `all pages of ${limit}`);
      }
      const { memories, cursor } = await backend.recent({ limit: 23 });
      equal(memories.length, 23, "the number of memories on a page that holds them all");
      if (cursor !== null)
        equal(
          await backend.recent({ limit: 23, cursor }),
          { memories: [], cursor: null },
          "the page after the last one",
        );
    },

    async "with a prefix that is taken literally"({ backend }) {
      for (const id of ["a:1", "a:2", "a*", "b:1", "A:1", "a[1]", "a1"]) {
        await backend.save(id, recordsFrom(0));
        await nextMoment();
      }
      equal(idsOf(await all(backend, 1, "a:")), ["a:2", "a:1"], "recent with the prefix a:");
      equal(idsOf(await all(backend, 3, "a*")), ["a*"], "recent with the prefix a*");
      equal(idsOf(await all(backend, 3, "a[")), ["a[1]"], "recent with the prefix a[");
      equal(
        await backend.recent({ limit: 3, prefix: "z" }),
        { memories: [], cursor: null },
        "recent with a prefix that no id has",
      );
    },

    async "every unchanged memory once, while others are written"({ backend }) {
      const still = Array.from({ length: 12 }, (_, index) => `still-${index}`);
      for (const id of still) await backend.save(id, recordsFrom(0));
      await backend.save("busy", recordsFrom(0));
      await nextMoment();
      const seen: string[] = [];
      let cursor: string | null | undefined;
      for (let page = 0; cursor !== null && page < 100; page++) {
        const answer = await backend.recent({ limit: 3, ...(cursor !== undefined && { cursor }) });
        seen.push(...idsOf(answer.memories));
        cursor = answer.cursor;
        await backend.save("busy", recordsFrom(page));
        await backend.save(`new-${page}`, recordsFrom(page));
        await nextMoment();
      }
      equal(cursor, null, "the cursor of the last page");
      equal(
        seen.filter((id) => id.startsWith("still-")).sort(),
        [...still].sort(),
        "the memories that were not written to meanwhile",
      );
    },

    async "every memory once, if the last memory of a page is deleted or written before the next page"({ backend }) {
      for (const change of ["delete", "save"] as const) {
        for (let n = 0; n < 12; n++) {
          await backend.save(`m${n}`, recordsFrom(n));
          await nextMoment();
        }
        const seen: string[] = [];
        const changed: string[] = [];
        let cursor: string | null | undefined;
        for (let page = 0; cursor !== null && page < 20; page++) {
          const answer = await backend.recent({ limit: 3, ...(cursor !== undefined && { cursor }) });
          const own = idsOf(answer.memories).filter((id) => !changed.includes(id));
          seen.push(...own);
          cursor = answer.cursor;
          const last = own.at(-1);
          if (last === undefined) continue;
          changed.push(last);
          if (change === "delete") await backend.delete(last);
          else await backend.save(last, recordsFrom(page));
          await nextMoment();
        }
        const ids = Array.from({ length: 12 }, (_, n) => `m${n}`);
        equal([...seen].sort(), [...ids].sort(), `the memories of all pages, with a ${change} after each page`);
        for (const id of ids) await backend.delete(id);
      }
    },

    async "the same page for the same cursor, while others turn pages too"({ backend }) {
      for (let n = 0; n < 10; n++) {
        await backend.save(n % 2 === 0 ? `a${n}` : `b${n}`, recordsFrom(0));
        await nextMoment();
      }
      const first = await backend.recent({ limit: 4 });
      ok(first.cursor !== null, "the first page of 4 among 10 memories has no cursor");
      const { cursor } = first;
      const second = idsOf((await backend.recent({ limit: 4, cursor })).memories);
      equal(second, ["b5", "a4", "b3", "a2"], "the second page");
      equal(idsOf(await all(backend, 1, "a")), ["a8", "a6", "a4", "a2", "a0"], "the pages of another walk");
      await backend.recent({ limit: 7 });
      equal(idsOf((await backend.recent({ limit: 4, cursor })).memories), second, "the second page, asked again");
      equal(idsOf((await backend.recent({ limit: 2, cursor })).memories), second.slice(0, 2), "a shorter second page");
      equal(idsOf((await backend.recent({ limit: 9, cursor })).memories), [...second, "b1", "a0"], "a longer one");
      equal(idsOf((await backend.recent({ limit: 4 })).memories), idsOf(first.memories), "the first page, asked again");
    },

    async "several hundred memories, on one page and on many"({ backend }) {
      const ids = Array.from({ length: 300 }, (_, index) => `m${index}`);
      for (let from = 0; from < ids.length; from += 20)
        await Promise.all(ids.slice(from, from + 20).map((id) => backend.save(id, recordsFrom(0))));
      for (const limit of [60, 299, 2 ** 31, Number.MAX_SAFE_INTEGER])
        equal(idsOf(await all(backend, limit)).sort(), [...ids].sort(), `all pages of ${limit}`);
      equal(idsOf(await all(backend, 7, "m29")).length, 11, "the number of memories with the prefix m29");
    },

    async "memories in the order of their last write, which no reading and no refused write changes"({ backend }) {
      for (const id of ["a", "b", "c"]) {
        if (supports(backend, "log")) await backend.append(id, recordsFrom(0), { operationId: "op" });
        else await backend.save(id, recordsFrom(0));
        await nextMoment();
      }
      const before = (await backend.recent({ limit: 5 })).memories;
      equal(idsOf(before), ["c", "b", "a"], "recent");
      await backend.load("a");
      await backend.save("a", [{ n: 1n }]).catch(() => undefined);
      await backend.save("a", [], { signal: AbortSignal.abort() }).catch(() => undefined);
      await backend.delete("absent");
      if (supports(backend, "info")) await backend.info("a");
      if (supports(backend, "expiry")) await backend.touch("a");
      if (supports(backend, "log")) {
        await backend.read("a", { last: 1 });
        await backend.append("a", recordsFrom(0), { operationId: "op" });
        await backend.append("a", recordsFrom(0), { since: "x" }).catch(() => undefined);
        await backend.save("a", recordsFrom(0), { expectedRevision: null }).catch(() => undefined);
        await backend.append("absent", recordsFrom(0), { since: "x" }).catch(() => undefined);
      }
      equal((await backend.recent({ limit: 5 })).memories, before, "recent after calls that write nothing");
    },

    async "a memory that was deleted and made again, once, and an empty memory"({ backend }) {
      for (const id of ["a", "b", "empty"]) {
        await backend.save(id, id === "empty" ? [] : recordsFrom(0));
        await nextMoment();
      }
      for (let time = 0; time < 3; time++) {
        await backend.delete("a");
        await backend.save("a", recordsFrom(time));
        await nextMoment();
        equal(idsOf(await all(backend, 1)), ["a", "empty", "b"], "recent");
      }
    },

    async "unusual ids unchanged"({ backend }) {
      const ids = ["a b", "ü\n", "😀", "*", "a\0b", "../x", "1.5", "x".repeat(1_024)];
      for (const id of ids) await backend.save(id, recordsFrom(0));
      equal(idsOf(await all(backend, 3)).sort(), [...ids].sort(), "recent");
    },

    async "an invalid limit, prefix or cursor is rejected"({ backend }) {
      await backend.save("m", recordsFrom(0));
      for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, wrong<number>(undefined)]) {
        await rejects(() => backend.recent({ limit }), "INVALID_ARGUMENT", `recent with the limit ${limit}`);
      }
      await rejects(
        () => backend.recent({ limit: 1, prefix: wrong<string>(7) }),
        "INVALID_ARGUMENT",
        "recent with the prefix 7",
      );
      await rejects(
        () => backend.recent({ limit: 1, cursor: "made up" }),
        "INVALID_ARGUMENT",
        "recent with an invented cursor",
      );
      for (const cursor of wrong<string[]>(["", 7, null, {}])) {
        await rejects(
          () => backend.recent({ limit: 1, cursor }),
          "INVALID_ARGUMENT",
          `recent with ${JSON.stringify(cursor)} as the cursor`,
        );
      }
    },
  },
);

/** The memories of all pages, in order. */
async function all(backend: CatalogueCapability, limit: number, prefix?: string): Promise<RecentMemory[]> {
  const memories: RecentMemory[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < 1_000; page++) {
    const options = { limit, ...(prefix !== undefined && { prefix }), ...(cursor !== null && { cursor }) };
    const answer = await backend.recent(options);
    ok(answer.memories.length <= limit, `a page of ${limit} has ${answer.memories.length} memories`);
    memories.push(...answer.memories);
    cursor = answer.cursor;
    if (cursor === null) return memories;
  }
  throw new Error("The pages do not end.");
}

function idsOf(memories: readonly RecentMemory[]): string[] {
  return memories.map(({ memoryId }) => memoryId);
}
