import type { LogCapability, Revision, Snapshot } from "@deep-agent/core/adapter";
import { equal, ok, rejects } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";

/** Entries of these sizes, as appends make them. */
const SIZES = [1, 3, 2, 5, 1, 1, 4, 2];

export const read: Suite = suiteOf("log", "read answers whole entries: the newest, the new, the page before", {
  async "all, where nothing else is asked for"({ backend }) {
    const entries = await fill(backend);
    equal(
      await described(backend, {}),
      { numbers: entries.flat(), start: null, reset: false, regressed: false },
      "read",
    );
  },

  async "the newest that hold so many, as few entries as can be"({ backend }) {
    const entries = await fill(backend);
    for (const last of [1, 2, 3, 6, 7, 8, 18, 19, 20, 1_000]) {
      const page = newest(entries, last);
      const snapshot = await backend.read("m", { last });
      equal(numbers(snapshot?.records), page.flat(), `read of the last ${last}`);
      equal(snapshot?.start === null, page.length === entries.length, `whether the last ${last} begin with the log`);
      equal(snapshot?.reset, false, "reset");
    }
  },

  async "every page before, back to the beginning"({ backend }) {
    const entries = await fill(backend);
    for (const last of [1, 4, 100]) {
      const pages: unknown[][] = [];
      let page = await backend.read("m", { last });
      for (;;) {
        ok(page !== null && !page.reset && !page.regressed, "a page does not continue the one behind it");
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

  async "the pages before stay what they are, whatever is appended meanwhile"({ backend }) {
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

  async "all that is before, where no number is given"({ backend }) {
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

  async "what came since, and no more"({ backend }) {
    const entries: number[][] = [];
    const revisions: Revision[] = [];
    for (const entry of plan()) {
      await backend.append("m", recordsFrom(entry[0] ?? 0, entry.length));
      entries.push(entry);
      revisions.push((await backend.read("m", { last: 1 }))?.revision ?? "");
    }
    for (const [index, since] of revisions.entries()) {
      const snapshot = await backend.read("m", { since });
      equal(numbers(snapshot?.records), entries.slice(index + 1).flat(), `what came after entry ${index}`);
      equal([snapshot?.reset, snapshot?.regressed], [false, false], "reset and regressed");
      equal(snapshot?.revision, revisions.at(-1), "the revision of the whole log");
    }
  },

  async "what came since the log was empty"({ backend }) {
    await backend.save("m", []);
    const since = (await backend.read("m"))?.revision;
    await backend.append("m", recordsFrom(0, 2));
    const snapshot = await backend.read("m", { since });
    equal(numbers(snapshot?.records), [0, 1], "what came since");
    equal([snapshot?.reset, snapshot?.regressed], [false, false], "reset and regressed");
  },

  async "with both, no more than the newest, and `reset` where that cut"({ backend }) {
    await backend.append("m", recordsFrom(100));
    const since = (await backend.read("m"))?.revision;
    const entries = await fill(backend);
    for (const last of [1, 2, 6, 18, 19, 100]) {
      const page = newest(entries, last);
      const snapshot = await backend.read("m", { since, last });
      equal(numbers(snapshot?.records), page.flat(), `the last ${last} since`);
      equal(snapshot?.reset, page.length < entries.length, `whether the last ${last} cut what came since`);
    }
  },

  async "what was saved, a record at a time"({ backend }) {
    await backend.save("m", recordsFrom(0, 6));
    equal(numbers((await backend.read("m", { last: 2 }))?.records), [4, 5], "the last 2 of what was saved");
    await backend.append("m", recordsFrom(6, 3));
    equal(numbers((await backend.read("m", { last: 4 }))?.records), [5, 6, 7, 8], "the last 4 behind an append of 3");
  },

  async "after a replacement, all anew"({ backend }) {
    await fill(backend);
    const snapshot = await backend.read("m", { last: 3 });
    await backend.save("m", recordsFrom(50, 4));
    await expectAnew(backend, snapshot, [50, 51, 52, 53]);
    equal(
      numbers((await backend.read("m", { since: snapshot?.revision, last: 2 }))?.records),
      [52, 53],
      "the last 2 after a replacement",
    );
  },

  async "after a replacement by the same, too"({ backend }) {
    await backend.save("m", recordsFrom(0, 4));
    const snapshot = await backend.read("m", { last: 2 });
    await backend.save("m", recordsFrom(0, 4));
    await expectAnew(backend, snapshot, [0, 1, 2, 3]);
  },

  async "after a delete, nothing, and then another log"({ backend }) {
    await fill(backend);
    const snapshot = await backend.read("m", { last: 3 });
    await backend.delete("m");
    equal(await backend.read("m", { since: snapshot?.revision }), null, "read since, after a delete");
    equal(await backend.read("m", { before: snapshot?.start ?? "" }), null, "read before, after a delete");
    await fill(backend);
    await expectAnew(backend, snapshot, numbers(await backend.load("m")) ?? []);
  },

  async "a place of another memory, or none that a read gave, is no place of this one"({ backend }) {
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

  async "what makes no sense is INVALID_ARGUMENT"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const { revision = "" } = (await backend.read("m")) ?? {};
    for (const last of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "2" as unknown as number]) {
      await rejects(() => backend.read("m", { last }), "INVALID_ARGUMENT", `read of the last ${last}`);
    }
    await rejects(
      () => backend.read("m", { since: revision, before: revision }),
      "INVALID_ARGUMENT",
      "read since and before",
    );
    await rejects(() => backend.read("m", { since: "" }), "INVALID_ARGUMENT", "read since an empty text");
    await rejects(
      () => backend.read("m", { since: 1 as unknown as string }),
      "INVALID_ARGUMENT",
      "read since a number",
    );
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

/** The shortest run of newest entries that hold `last` records; all where there are fewer. */
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

/** What was known of another log is told to be forgotten. */
async function expectAnew(
  backend: LogCapability<KitRecord>,
  known: Snapshot<KitRecord> | null,
  all: unknown[],
): Promise<void> {
  for (const options of [{ since: known?.revision }, { before: known?.start ?? "" }]) {
    const snapshot = await backend.read("m", options);
    equal(numbers(snapshot?.records), all, `read ${Object.keys(options)[0]} what another log said`);
    equal([snapshot?.reset, snapshot?.regressed], [true, false], "reset and regressed");
  }
}
