import { setImmediate as tick } from "node:timers/promises";
import type { LogCapability, Revision, Snapshot } from "@deep-agent/core/adapter";
import { equal, ok, rejects } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { maxRecordBytes } from "../target.ts";
import { wrong } from "../wrong-value.ts";

/** The numbers of records in the entries that appends make. */
const SIZES = [1, 3, 2, 5, 1, 1, 4, 2];

export const read: Suite = suiteOf("log", "read returns whole entries: the newest, the new ones, or the page before", {
  async "all entries, without options"({ backend }) {
    const entries = await fill(backend);
    equal(
      await described(backend, {}),
      { numbers: entries.flat(), start: null, reset: false, regressed: false },
      "read",
    );
  },

  async "with `last`: the fewest newest entries that hold that many records"({ backend }) {
    const entries = await fill(backend);
    for (const last of [1, 2, 3, 6, 7, 8, 18, 19, 20, 1_000]) {
      const page = newest(entries, last);
      const snapshot = await backend.read("m", { last });
      equal(numbers(snapshot?.records), page.flat(), `read of the last ${last}`);
      equal(
        snapshot?.start === null,
        page.length === entries.length,
        `whether the last ${last} begin at the beginning of the log`,
      );
      equal(snapshot?.reset, false, "reset");
    }
  },

  async "with `before`: every earlier page, back to the beginning"({ backend }) {
    const entries = await fill(backend);
    for (const last of [1, 4, 100]) {
      const pages: unknown[][] = [];
      let page = await backend.read("m", { last });
      for (;;) {
        ok(page !== null && !page.reset && !page.regressed, "a page does not end where the next page begins");
        const expected = newest(entries.slice(0, entries.length - pages.length), last);
        equal(numbers(page.records), expected.flat(), `the page of the last ${last} before ${pages.length} entries`);
        for (const entry of expected.reverse()) pages.unshift(entry);
        if (page.start === null) break;
        ok(pages.length < entries.length, "the first page does not say that it begins the log");
        page = await backend.read("m", { before: page.start, last });
      }
      equal(pages.flat(), entries.flat(), "all pages together");
    }
  },

  async "with `before`: the same pages, whatever is appended meanwhile"({ backend }) {
    const entries = await fill(backend);
    const seen: unknown[] = [];
    let page = await backend.read("m", { last: 3 });
    for (let round = 0; page !== null; round++) {
      ok(round < entries.length, "the pages do not end");
      equal([page.reset, page.regressed], [false, false], "reset and regressed of a page");
      seen.unshift(...(numbers(page.records) ?? []));
      await backend.append("m", recordsFrom(1_000 + round));
      page = page.start === null ? null : await backend.read("m", { before: page.start, last: 3 });
    }
    equal(seen, entries.flat(), "all pages together");
  },

  async "with `before` but no `last`: all earlier entries"({ backend }) {
    const entries = await fill(backend);
    const { start } = (await backend.read("m", { last: 2 })) ?? {};
    ok(typeof start === "string", "a window within the log has no start");
    const before = await described(backend, { before: start });
    equal(
      before,
      { numbers: entries.slice(0, -1).flat(), start: null, reset: false, regressed: false },
      "read before the window",
    );
  },

  async "with `since`: the newer entries only"({ backend }) {
    const entries: number[][] = [];
    const revisions: Revision[] = [];
    for (const entry of plan()) {
      await backend.append("m", recordsFrom(entry[0] ?? 0, entry.length));
      entries.push(entry);
      revisions.push((await backend.read("m", { last: 1 }))?.revision ?? "");
    }
    for (const [index, since] of revisions.entries()) {
      const snapshot = await backend.read("m", { since });
      equal(numbers(snapshot?.records), entries.slice(index + 1).flat(), `the records after entry ${index}`);
      equal([snapshot?.reset, snapshot?.regressed], [false, false], "reset and regressed");
      equal(snapshot?.revision, revisions.at(-1), "the revision of the whole log");
    }
  },

  async "with the `since` of an empty log: all entries"({ backend }) {
    await backend.save("m", []);
    const since = (await backend.read("m"))?.revision;
    await backend.append("m", recordsFrom(0, 2));
    const snapshot = await backend.read("m", { since });
    equal(numbers(snapshot?.records), [0, 1], "the records since then");
    equal([snapshot?.reset, snapshot?.regressed], [false, false], "reset and regressed");
  },

  async "with `since` and `last`: the newest of the newer entries, and `reset` if some are left out"({ backend }) {
    await backend.append("m", recordsFrom(100));
    const since = (await backend.read("m"))?.revision;
    const entries = await fill(backend);
    for (const last of [1, 2, 6, 18, 19, 100]) {
      const page = newest(entries, last);
      const snapshot = await backend.read("m", { since, last });
      equal(numbers(snapshot?.records), page.flat(), `the last ${last} since`);
      equal(
        snapshot?.reset,
        page.length < entries.length,
        `reset of the last ${last}, which tells whether newer records are left out`,
      );
    }
  },

  async "saved records as entries of one record each"({ backend }) {
    await backend.save("m", recordsFrom(0, 6));
    equal(numbers((await backend.read("m", { last: 2 }))?.records), [4, 5], "the last 2 of what was saved");
    await backend.append("m", recordsFrom(6, 3));
    equal(numbers((await backend.read("m", { last: 4 }))?.records), [5, 6, 7, 8], "the last 4 after an append of 3");
  },

  async "after a replacement: the whole new log"({ backend }) {
    await fill(backend);
    const snapshot = await backend.read("m", { last: 3 });
    await backend.save("m", recordsFrom(50, 4));
    await expectWholeLog(backend, snapshot, [50, 51, 52, 53]);
    equal(
      numbers((await backend.read("m", { since: snapshot?.revision, last: 2 }))?.records),
      [52, 53],
      "the last 2 after a replacement",
    );
  },

  async "after a replacement by the same records: the whole new log"({ backend }) {
    await backend.save("m", recordsFrom(0, 4));
    const snapshot = await backend.read("m", { last: 2 });
    await backend.save("m", recordsFrom(0, 4));
    await expectWholeLog(backend, snapshot, [0, 1, 2, 3]);
  },

  async "after a delete: null, and later the whole new log"({ backend }) {
    await fill(backend);
    const snapshot = await backend.read("m", { last: 3 });
    await backend.delete("m");
    equal(await backend.read("m", { since: snapshot?.revision }), null, "read since, after a delete");
    equal(await backend.read("m", { before: snapshot?.start ?? "" }), null, "read before, after a delete");
    await fill(backend);
    await expectWholeLog(backend, snapshot, numbers(await backend.load("m")) ?? []);
  },

  async "with a revision of another memory, or an invented one: the whole log"({ backend }) {
    await backend.append("other", recordsFrom(0));
    await backend.append("m", recordsFrom(1, 2));
    const { revision = "" } = (await backend.read("other")) ?? {};
    for (const place of [revision, "x", "1", "a.1.2", "a".repeat(2_000)]) {
      for (const options of [{ since: place }, { before: place }]) {
        const snapshot = await backend.read("m", options);
        const what = `read ${Object.keys(options)[0]} ${JSON.stringify(place.slice(0, 20))}`;
        equal(numbers(snapshot?.records), [1, 2], what);
        equal([snapshot?.reset, snapshot?.regressed], [true, false], `reset and regressed of the ${what}`);
      }
    }
  },

  async "with `since`: where the new entries begin, to read on from there"({ backend }) {
    const before: number[][] = [[100, 101], [102]];
    for (const entry of before) await backend.append("m", recordsFrom(entry[0] ?? 0, entry.length));
    const since = (await backend.read("m"))?.revision;
    const entries = await fill(backend);
    const snapshot = await backend.read("m", { since });
    equal(numbers(snapshot?.records), entries.flat(), "the records since then");
    ok(typeof snapshot?.start === "string", "a read since a revision within the log has no start");
    const older = await backend.read("m", { before: snapshot.start });
    equal(numbers(older?.records), before.flat(), "the records before those since then");
    equal([older?.start, older?.reset], [null, false], "start and reset of the records before those since then");
    const window = await backend.read("m", { since, last: 3 });
    const rest = await backend.read("m", { before: window?.start ?? "" });
    equal(
      [...(numbers(rest?.records) ?? []), ...(numbers(window?.records) ?? [])],
      [...before, ...entries].flat(),
      "a window since a revision, and the records before it",
    );
  },

  async "with any options: the revision of the whole log, and all fields"({ backend }) {
    const since = await backend.append("m", recordsFrom(100));
    await fill(backend);
    const whole = await backend.read("m");
    const { start } = (await backend.read("m", { last: 3 })) ?? {};
    const asked = [
      {},
      { last: 2 },
      { since },
      { since, last: 2 },
      { before: start ?? "" },
      { before: start ?? "", last: 1 },
    ];
    for (const options of [...asked, { since: whole?.revision }]) {
      const snapshot = await backend.read("m", options);
      const what = `read with ${Object.keys(options).join(" and ") || "no options"}`;
      equal(snapshot?.revision, whole?.revision, `the revision of a ${what}`);
      equal(
        Object.keys(snapshot ?? {}).sort(),
        ["records", "regressed", "reset", "revision", "start"],
        `the fields of a ${what}`,
      );
    }
  },

  async "with a `last` of any size"({ backend }) {
    const entries = await fill(backend);
    for (const last of [100, 10_000, 1_000_001, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      equal(numbers((await backend.read("m", { last }))?.records), entries.flat(), `read of the last ${last}`);
      const since = (await backend.read("m"))?.revision;
      equal((await backend.read("m", { last, since }))?.records, [], `read of the last ${last} since the end`);
    }
  },

  async "whole windows of large entries, too"({ backend, target }) {
    const length = Math.min(400_000, maxRecordBytes(target) - 1_024);
    const revisions: Revision[] = [];
    for (let n = 0; n < 6; n++) revisions.push(await backend.append("m", [{ n, text: "x".repeat(length) }, { n }]));
    const all = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5];
    equal(numbers((await backend.read("m", { last: 10 }))?.records), all.slice(-10), "the last 10 of large records");
    equal(
      numbers((await backend.read("m", { since: revisions[0] }))?.records),
      all.slice(2),
      "the large records since",
    );
    equal(numbers((await backend.read("m"))?.records), all, "all large records");
  },

  async "from one moment: its records are those up to its revision, whatever is written meanwhile"({ backend }) {
    await backend.append("m", recordsFrom(0, 3));
    const seen: { options: string; snapshot: Snapshot<KitRecord> }[] = [];
    let done = false;
    const write = async (): Promise<void> => {
      try {
        for (let n = 1; n < 40; n++) await backend.append("m", recordsFrom(n * 3, 3));
      } finally {
        done = true;
      }
    };
    const look = async (options: { last?: number }): Promise<void> => {
      while (!done) {
        const snapshot = await backend.read("m", options);
        if (snapshot !== null) seen.push({ options: JSON.stringify(options), snapshot });
        await tick();
      }
    };
    await Promise.all([write(), look({}), look({ last: 6 })]);
    const all = numbers(await backend.load("m")) ?? [];
    equal(all, numbers(recordsFrom(0, 120)), "load");
    // A few of them, as each costs a read.
    const step = Math.ceil(seen.length / 40);
    for (const { options, snapshot } of seen.filter((_, index) => index % step === 0)) {
      const later = numbers((await backend.read("m", { since: snapshot.revision }))?.records) ?? [];
      const upTo = all.slice(0, all.length - later.length);
      equal(
        numbers(snapshot.records),
        upTo.slice(-snapshot.records.length),
        `the records of a read with ${options}, made while others were appended`,
      );
    }
  },

  async "with invalid options: INVALID_ARGUMENT"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const { revision = "" } = (await backend.read("m")) ?? {};
    for (const last of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, wrong<number>("2")]) {
      await rejects(() => backend.read("m", { last }), "INVALID_ARGUMENT", `read of the last ${last}`);
    }
    await rejects(
      () => backend.read("m", { since: revision, before: revision }),
      "INVALID_ARGUMENT",
      "read since and before",
    );
    await rejects(() => backend.read("m", { since: "" }), "INVALID_ARGUMENT", "read since an empty string");
    await rejects(() => backend.read("m", { since: wrong<string>(1) }), "INVALID_ARGUMENT", "read since a number");
  },
});

/** The numbers of the records of each entry. */
function plan(): number[][] {
  let next = 0;
  return SIZES.map((size) => Array.from({ length: size }, () => next++));
}

async function fill(backend: LogCapability<KitRecord>): Promise<number[][]> {
  const entries = plan();
  for (const entry of entries) await backend.append("m", recordsFrom(entry[0] ?? 0, entry.length));
  return entries;
}

/** The fewest newest entries that hold `last` records, or all entries. */
function newest(entries: readonly number[][], last: number): number[][] {
  let from = entries.length;
  for (let held = 0; from > 0 && held < last; ) held += entries[--from]?.length ?? 0;
  return entries.slice(from);
}

async function described(backend: LogCapability<KitRecord>, options: { before?: Revision }): Promise<unknown> {
  const snapshot = await backend.read("m", options);
  if (snapshot === null) return null;
  const { records, start, reset, regressed } = snapshot;
  return { numbers: numbers(records), start, reset, regressed };
}

/** Expects that reads with a revision of another log return the whole log, with `reset`. */
async function expectWholeLog(
  backend: LogCapability<KitRecord>,
  known: Snapshot<KitRecord> | null,
  all: unknown[],
): Promise<void> {
  for (const options of [{ since: known?.revision }, { before: known?.start ?? "" }]) {
    const snapshot = await backend.read("m", options);
    equal(numbers(snapshot?.records), all, `read ${Object.keys(options)[0]} a revision of another log`);
    equal([snapshot?.reset, snapshot?.regressed], [true, false], "reset and regressed");
  }
}
