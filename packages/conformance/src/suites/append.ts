import { setImmediate as tick } from "node:timers/promises";
import { equal, ok, rejects } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { maxRecordBytes } from "../target.ts";

export const append: Suite = suiteOf("log", "an append adds one whole entry after all others", {
  async "to a new memory, and after existing entries"({ backend }) {
    await backend.append("m", recordsFrom(0, 2));
    equal(numbers(await backend.load("m")), [0, 1], "load after an append to nothing");
    await backend.append("m", recordsFrom(2));
    await backend.append("m", recordsFrom(3, 3));
    equal(numbers(await backend.load("m")), [0, 1, 2, 3, 4, 5], "load");
    equal(await backend.list(), ["m"], "list");
  },

  async "after saved records, and to an emptied memory"({ backend }) {
    await backend.save("m", recordsFrom(0, 2));
    await backend.append("m", recordsFrom(2));
    equal(numbers(await backend.load("m")), [0, 1, 2], "load");
    await backend.save("m", []);
    await backend.append("m", recordsFrom(3));
    equal(numbers(await backend.load("m")), [3], "load after an append to an empty memory");
  },

  async "to one memory only"({ backend }) {
    for (const id of ["a", "ab", "A"]) await backend.append(id, [{ id }]);
    for (const id of ["a", "ab", "A"]) equal(await backend.load(id), [{ id }], `load of ${id}`);
  },

  async "with all of its records, however many and large"({ backend, target }) {
    const many = recordsFrom(0, 9_000);
    const large = { text: "x".repeat(Math.min(1_048_576, maxRecordBytes(target) - 1_024)) };
    await backend.append("m", many);
    await backend.append("m", [large, { text: "last" }]);
    equal(await backend.load("m"), [...many, large, { text: "last" }], "load");
    equal(
      (await backend.read("m", { last: 1 }))?.records.length,
      2,
      "the number of records of the newest entry, which are read together",
    );
  },

  async "at once: a reader meanwhile sees the whole entry or nothing of it"({ backend }) {
    const size = 7;
    const reader = async (of: () => Promise<readonly KitRecord[] | null | undefined>, what: string): Promise<void> => {
      while (!done) {
        const count = (await of())?.length ?? 0;
        ok(count % size === 0, `${what} returns ${count} records while entries of ${size} records are appended`);
        await tick();
      }
    };
    let done = false;
    const write = async (): Promise<void> => {
      try {
        for (let n = 0; n < 25; n++) await backend.append("m", recordsFrom(n * size, size));
      } finally {
        done = true;
      }
    };
    await Promise.all([
      write(),
      reader(() => backend.load("m"), "load"),
      reader(async () => (await backend.read("m"))?.records, "read"),
      reader(async () => (await backend.read("m", { last: size }))?.records, `read of the last ${size}`),
    ]);
    equal(numbers(await backend.load("m")), numbers(recordsFrom(0, 25 * size)), "load");
  },

  async "with none of its records if one is invalid"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const records: KitRecord[] = [...recordsFrom(1, 2), { n: 10n }, ...recordsFrom(3)];
    await rejects(() => backend.append("m", records), "INVALID_RECORD", "append of a bigint");
    equal(numbers(await backend.load("m")), [0], "load after a refused append");
  },

  async "an append without records is rejected"({ backend }) {
    await rejects(() => backend.append("m", []), "INVALID_RECORD", "append of no records");
    equal(await backend.load("m"), null, "load after it");
    const revision = await backend.append("m", recordsFrom(0));
    await rejects(() => backend.append("m", []), "INVALID_RECORD", "append of no records to an existing memory");
    equal((await backend.read("m"))?.revision, revision, "the revision after it");
  },

  async "each write has its own revision, which a read returns"({ backend }) {
    const seen = new Set<string>();
    const check = (revision: string | undefined, what: string): void => {
      ok(typeof revision === "string" && revision !== "", `${what} returns ${String(revision)} as a revision`);
      ok(!seen.has(revision), `${what} returns the revision ${revision} again`);
      seen.add(revision);
    };
    check(await backend.append("m", recordsFrom(0)), "an append");
    for (let n = 1; n < 10; n++) check(await backend.append("m", recordsFrom(n)), "an append");
    await backend.save("m", recordsFrom(0));
    check((await backend.read("m"))?.revision, "a read after a save");
    await backend.save("m", recordsFrom(0));
    check((await backend.read("m"))?.revision, "a read after a save of the same");
    await backend.delete("m");
    check(await backend.append("m", recordsFrom(0)), "an append after a delete");
    equal(
      (await backend.read("m"))?.revision,
      (await backend.read("m", { last: 1 }))?.revision,
      "the revision of a second read",
    );
  },

  async "an append returns the revision after its entry"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const revision = await backend.append("m", recordsFrom(1));
    const nothingNew = await backend.read("m", { since: revision });
    equal(nothingNew?.records, [], "the records after the revision that an append returned");
    equal([nothingNew?.reset, nothingNew?.regressed], [false, false], "reset and regressed");
    equal(nothingNew?.revision, revision, "the revision of a read after an append");
    await backend.append("m", recordsFrom(2));
    const snapshot = await backend.read("m", { since: revision });
    equal(numbers(snapshot?.records), [2], "the records after that revision");
    equal(snapshot?.reset, false, "reset");
  },

  async "the entries of several memories, appended in turn, do not mix"({ backend }) {
    const ids = ["a", "b", "c"];
    const known = new Map<string, string>();
    for (let n = 0; n < 12; n++) {
      for (const id of ids) {
        const revision = await backend.append(id, [{ id, n }]);
        const since = known.get(id);
        const snapshot = since === undefined ? await backend.read(id) : await backend.read(id, { since });
        equal(snapshot?.records, [{ id, n }], `the newest entry of ${id}`);
        equal([snapshot?.reset, snapshot?.regressed], [false, false], "reset and regressed");
        known.set(id, revision);
      }
    }
    const all = (id: string): KitRecord[] => Array.from({ length: 12 }, (_, n) => ({ id, n }));
    const loaded = await Promise.all(ids.map((id) => backend.load(id)));
    for (const [index, id] of ids.entries()) equal(loaded[index], all(id), `load of ${id}, beside the others`);
    const read = await Promise.all(ids.map((id) => backend.read(id, { last: 2 })));
    for (const [index, id] of ids.entries())
      equal(read[index]?.records, all(id).slice(-2), `read of ${id}, beside the others`);
  },
});
