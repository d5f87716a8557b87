import { supports } from "@deep-agent/core/adapter";
import { equal } from "../expectations.ts";
import { type KitRecord, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";

const fresh = (): KitRecord[] => [{ n: 1, deep: { list: [1, 2] } }, { n: 2 }];

/** Changes everything in these records that can be changed. */
function spoil(records: KitRecord[] | null | undefined): void {
  if (!Array.isArray(records)) return;
  const [first] = records as [{ n: unknown; deep?: { list: unknown[] } }];
  if (first !== undefined) {
    first.n = "spoilt";
    first.deep?.list.push("spoilt");
  }
  records.reverse();
  records.push({ n: "spoilt" });
}

export const aliasing: Suite = suite("nothing is shared with the caller", {
  async "saved records do not change with the caller's records"({ backend }) {
    const records = fresh();
    await backend.save("m", records);
    spoil(records);
    equal(await backend.load("m"), fresh(), "load after the saved array was changed");
  },

  async "saved records do not change with the caller's records while the save runs"({ backend }) {
    const records = fresh();
    const saved = backend.save("m", records);
    spoil(records);
    await saved;
    equal(await backend.load("m"), fresh(), "load after the array was changed during the save");
  },

  async "loaded records can be changed without changing the memory"({ backend }) {
    await backend.save("m", fresh());
    spoil(await backend.load("m"));
    equal(await backend.load("m"), fresh(), "load after another answer of load was changed");
  },

  async "two answers share no records"({ backend }) {
    await backend.save("m", fresh());
    const [one, two] = await Promise.all([backend.load("m"), backend.load("m")]);
    spoil(one);
    equal(two, fresh(), "an answer of load after the other one was changed");
  },

  async "append and read share nothing with the caller either"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    const records = fresh();
    const appended = backend.append("m", records);
    spoil(records);
    await appended;
    spoil(records);
    const snapshot = await backend.read("m");
    equal(snapshot?.records, fresh(), "read after the appended array was changed");
    spoil(snapshot?.records);
    equal((await backend.read("m"))?.records, fresh(), "read after another answer of read was changed");
    equal(await backend.load("m"), fresh(), "load after an answer of read was changed");
  },

  async "frozen records and options are accepted, and options are not changed"({ backend }) {
    const records = Object.freeze(recordsFrom(0, 2).map((record) => Object.freeze(record)));
    const options = Object.freeze({ signal: new AbortController().signal });
    await backend.save("m", records, options);
    await backend.load("m", options);
    equal(await backend.load("m"), recordsFrom(0, 2), "load");
    if (supports(backend, "log")) {
      await backend.append("m", records, Object.freeze({ ...options, operationId: "op" }));
      await backend.read("m", Object.freeze({ ...options, last: 1 }));
    }
    await backend.delete("m", options);
  },
});
