import { supports } from "@deep-agent/core/adapter";
import { equal, ok } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";

export const order: Suite = suite("the order of writes and of records is kept", {
  async "records stay in the order of the call"({ backend }) {
    const shuffled = Array.from({ length: 200 }, (_, index) => ({ n: (index * 7919) % 200, createdAt: 1_000 - index }));
    await backend.save("m", shuffled);
    equal(await backend.load("m"), shuffled, "load");
  },

  async "a writer that waits for each save loads its last one"({ backend }) {
    for (let n = 0; n < 40; n++) {
      await backend.save("m", recordsFrom(n));
      equal(numbers(await backend.load("m")), [n], "load right after a save");
    }
  },

  async "saves and deletes take effect in order"({ backend }) {
    for (let round = 0; round < 15; round++) {
      await backend.save("m", recordsFrom(round));
      await backend.delete("m");
      equal(await backend.load("m"), null, "load right after a delete");
    }
  },

  async "appends in the same millisecond stay in order"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    for (let n = 0; n < 100; n++) await backend.append("m", recordsFrom(n));
    equal(numbers(await backend.load("m")), numbers(recordsFrom(0, 100)), "load");
    equal(numbers((await backend.read("m", { last: 3 }))?.records), [97, 98, 99], "the newest three");
  },

  async "every way to read a log has the same order, after many writes at the same time"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    const since = await backend.append("m", recordsFrom(0));
    for (let batch = 0; batch < 4; batch++)
      await Promise.all(
        Array.from({ length: 15 }, (_, writer) => backend.append("m", recordsFrom(batch * 100 + writer + 1))),
      );
    const loaded = numbers(await backend.load("m"));
    equal(loaded?.length, 61, "the number of records");
    equal(numbers((await backend.read("m"))?.records), loaded, "read");
    equal(numbers((await backend.read("m", { since }))?.records), loaded?.slice(1), "read since the first entry");
    let page = await backend.read("m", { last: 7 });
    const pages: unknown[] = [];
    for (let count = 0; page !== null && count < 20; count++) {
      pages.unshift(...(numbers(page.records) ?? []));
      page = page.start === null ? null : await backend.read("m", { last: 7, before: page.start });
    }
    equal(pages, loaded, "all pages together");
    // A writer that waits sees its batches in order.
    equal(
      loaded?.map((n) => Math.floor((Number(n) - 1) / 100)),
      [-1, ...Array.from({ length: 60 }, (_, index) => Math.floor(index / 15))],
      "the batches",
    );
  },

  async "appends of several records at the same time stay whole"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    const size = 5;
    const batch = (writer: number): KitRecord[] => Array.from({ length: size }, (_, index) => ({ writer, index }));
    await Promise.all(Array.from({ length: 24 }, (_, writer) => backend.append("m", batch(writer))));
    const stored = (await backend.load("m")) ?? [];
    equal(stored.length, 24 * size, "the number of records");
    for (let from = 0; from < stored.length; from += size) {
      const { writer } = stored[from] ?? {};
      equal(stored.slice(from, from + size), batch(Number(writer)), `the batch at record ${from}`);
    }
    ok(new Set(stored.map(({ writer }) => writer)).size === 24, "one batch is stored twice, and another is missing");
  },
});
