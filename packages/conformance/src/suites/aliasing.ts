import { type LogCapability, type MemoryBackend, supports } from "@deep-agent/core/adapter";
import { equal, ok } from "../expectations.ts";
import { deeplyFrozen, Imprint } from "../imprint.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";

/** How often a call is repeated whose answers must share nothing: a cache may begin to share them only later. */
const ROUNDS = 12;

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

/** Changes every field of an answer that is an object, and every element of an answer that is an array. */
function spoilFields(answer: object | null): void {
  if (answer === null) return;
  for (const [key, value] of Object.entries(answer)) {
    if (typeof value === "object" && value !== null) spoilFields(value);
    Reflect.set(answer, key, "spoilt");
  }
  if (Array.isArray(answer)) answer.push("spoilt");
}

/** The answer without the time when a memory expires: a store may compute it at each call, a millisecond apart. */
function withoutExpiry(answer: object | null): object | null {
  return answer !== null && Object.hasOwn(answer, "expiresAt") ? { ...answer, expiresAt: null } : answer;
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
    for (let time = 1; time <= ROUNDS; time++) {
      spoil(await backend.load("m"));
      equal(await backend.load("m"), fresh(), `load after ${time} other answers of load were changed`);
    }
  },

  async "two answers share no records"({ backend }) {
    await backend.save("m", fresh());
    for (let time = 1; time <= ROUNDS; time++) {
      const [one, two] = await Promise.all([backend.load("m"), backend.load("m")]);
      spoil(one);
      equal(two, fresh(), `an answer of load after the other one was changed, in round ${time}`);
    }
  },

  async "records of one save after the other do not change with the caller's records"({ backend }) {
    for (let time = 1; time <= ROUNDS; time++) {
      const records = fresh();
      await backend.save("m", records);
      spoil(records);
      equal(await backend.load("m"), fresh(), `load after the array of save ${time} was changed`);
    }
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

  async "no append and no read shares anything, however many there were"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    await backend.append("m", recordsFrom(0));
    const since = (await backend.read("m"))?.revision;
    let expected: KitRecord[] = [];
    for (let time = 1; time <= ROUNDS; time++) {
      const records = fresh();
      await backend.append("m", records);
      spoil(records);
      expected = [...expected, ...fresh()];
      for (const options of [{ since }, { since, last: 2 }, { last: 2 }]) {
        const own = options.last === undefined ? expected : fresh();
        for (const which of ["one answer", "the next answer"]) {
          const snapshot = await backend.read("m", options);
          equal(snapshot?.records, own, `${which} of read ${JSON.stringify(Object.keys(options))}, in round ${time}`);
          spoil(snapshot?.records);
        }
      }
    }
    equal(await backend.load("m"), [...recordsFrom(0), ...expected], "load");
  },

  async "snapshots, facts, pages and lists can be changed without changing the next ones"({ backend }) {
    await backend.save("m", recordsFrom(0, 3));
    const calls: [string, () => Promise<object | null>][] = [["list", () => backend.list()]];
    if (supports(backend, "log")) calls.push(["read", () => backend.read("m", { last: 1 })]);
    if (supports(backend, "info")) calls.push(["info", () => backend.info("m")]);
    if (supports(backend, "catalogue")) calls.push(["recent", () => backend.recent({ limit: 3 })]);
    for (const [method, call] of calls) {
      const first = structuredClone(withoutExpiry(await call()));
      for (let time = 1; time <= ROUNDS; time++) {
        const answer = await call();
        equal(withoutExpiry(answer), first, `${method} after ${time - 1} other answers were changed`);
        spoilFields(answer);
      }
    }
  },

  async "frozen records and options are accepted, and options are not changed"({ backend }) {
    const records = deeplyFrozen([...fresh(), ...fresh()]);
    const options = deeplyFrozen({ signal: new AbortController().signal });
    await backend.save("m", records, options);
    await backend.load("m", options);
    equal(await backend.load("m"), [...fresh(), ...fresh()], "load");
    if (supports(backend, "log")) {
      await backend.append("m", records, deeplyFrozen({ ...options, operationId: "op" }));
      await backend.read("m", deeplyFrozen({ ...options, last: 1 }));
    }
    await backend.list(deeplyFrozen({ ...options, prefix: "m" }));
    if (supports(backend, "info")) await backend.info("m", options);
    if (supports(backend, "catalogue")) await backend.recent(deeplyFrozen({ ...options, limit: 1 }));
    if (supports(backend, "expiry")) await backend.touch("m", options);
    if (supports(backend, "health")) await backend.ping(options);
    await backend.delete("m", options);
  },

  async "the caller's records and options stay as they were, also if the call is refused"({ backend }) {
    for (let round = 0; round < 3; round++) {
      const imprints = await expectOwnObjects(backend, `m${round}`);
      await backend.load(`m${round}`);
      for (const imprint of imprints) imprint.expectUnchanged("later calls");
    }
  },

  async "options that are changed while a call runs do not change the call"(stage) {
    const { backend } = stage;
    // Some stores need a second write for an id that is very long.
    for (const id of ["m", "m".repeat(1_024)]) {
      await backend.save(id, recordsFrom(0, 3));
      await backend.save("other", recordsFrom(0));
      const listing = { prefix: "m" };
      const listed = backend.list(listing);
      listing.prefix = "other";
      ok((await listed).includes(id), "list whose prefix was changed while it ran lacks a memory");
      if (supports(backend, "log")) await expectOwnOptions(backend, id);
    }
  },
});

async function expectOwnOptions(backend: LogCapability<KitRecord>, id: string): Promise<void> {
  const { revision } = (await backend.read(id, { last: 1 })) ?? {};
  const appending = { operationId: "op", since: revision, expectedRevision: revision };
  const appended = backend.append(id, recordsFrom(3), appending);
  Object.assign(appending, { operationId: "another", since: "x", expectedRevision: "x" });
  const first = await appended;
  equal(
    await backend.append(id, recordsFrom(3), { operationId: "op", since: revision }),
    first,
    "the answer to a second attempt at an append whose operation id was changed while it ran",
  );
  const reading: { last?: number } = { last: 1 };
  const read = backend.read(id, reading);
  reading.last = 4;
  equal(numbers((await read)?.records), [3], "read whose `last` was changed while it ran");
  equal(numbers((await backend.read(id))?.records), [0, 1, 2, 3], "read");
}

/** Makes every kind of call with objects of the test's own. Expects that none of them is changed. */
async function expectOwnObjects(backend: MemoryBackend<KitRecord>, id: string): Promise<Imprint[]> {
  const imprints: Imprint[] = [];
  const { signal } = new AbortController();
  /** Passes the objects to a call, and looks at them when the call has settled. */
  const pass = async <O extends object, R>(
    what: string,
    own: O,
    call: (own: O) => Promise<R>,
  ): Promise<R | undefined> => {
    const imprint = new Imprint(`what was passed to ${what}`, own);
    imprints.push(imprint);
    const answer = await call(own).catch(() => undefined);
    imprint.expectUnchanged(what);
    return answer;
  };
  const records = (): KitRecord[] => [
    { n: 3, deep: { list: [3, 1, 2], empty: [] }, gone: undefined },
    { n: 1 },
    { n: 2 },
  ];
  const unfit = (): KitRecord[] => [{ n: 3, deep: { list: [3, 1, 2] } }, { n: 1n }];
  await pass("save", { records: records(), options: { signal } }, (own) => backend.save(id, own.records, own.options));
  await pass("save of records that are refused", { records: unfit(), options: { signal } }, (own) =>
    backend.save(id, own.records, own.options),
  );
  await pass("load", { signal }, (own) => backend.load(id, own));
  await pass("list", { signal, prefix: id }, (own) => backend.list(own));
  if (supports(backend, "log")) {
    const known = (await backend.read(id, { last: 1 }))?.revision;
    const named = { operationId: "op", since: known, expectedRevision: known };
    for (const what of ["append", "a second attempt at an append"]) {
      await pass(what, { records: records(), options: { signal, ...named } }, (own) =>
        backend.append(id, own.records, own.options),
      );
    }
    await pass(
      "an append that is refused",
      { records: records(), options: { expectedRevision: null, signal } },
      (own) => backend.append(id, own.records, own.options),
    );
    await pass("read", { last: 2, since: known, signal }, (own) => backend.read(id, own));
    await pass("a save with a name", { records: records(), options: { operationId: "save", signal } }, (own) =>
      backend.save(id, own.records, own.options),
    );
  }
  if (supports(backend, "info")) await pass("info", { signal }, (own) => backend.info(id, own));
  if (supports(backend, "catalogue")) {
    const page = await pass("recent", { limit: 1, prefix: "m", signal }, (own) => backend.recent(own));
    const cursor = page?.cursor ?? undefined;
    await pass("recent with a cursor", { limit: 1, prefix: "m", cursor, signal }, (own) => backend.recent(own));
  }
  if (supports(backend, "expiry")) await pass("touch", { signal }, (own) => backend.touch(id, own));
  if (supports(backend, "health")) await pass("ping", { signal }, (own) => backend.ping(own));
  await pass("delete", { signal }, (own) => backend.delete("another", own));
  return imprints;
}
