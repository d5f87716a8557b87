import {
  type LogCapability,
  type MemoryBackend,
  type Revision,
  type SaveOptions,
  supports,
} from "@deep-agent/core/adapter";
import { equal, ok, rejects } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { nextMoment } from "./moments.ts";

type LogBackend = MemoryBackend<KitRecord> & LogCapability<KitRecord>;

/** How many of the newest appends stay known. */
const KEPT = 64;

const keepOperations = true;

export const keptOperations: Suite = suiteOf("log", "a save with `keepOperations` keeps the newest 64 appends known", {
  async "an append that is repeated after it, whatever its caller knew, changes nothing"({ backend }) {
    const begun = await backend.append("m", recordsFrom(0), { operationId: "first", since: null });
    await backend.append("m", recordsFrom(1), { operationId: "op", since: begun });
    const known = await revisionOf(backend);
    await backend.save("m", recordsFrom(5, 2), { keepOperations });
    const attempts: [operationId: string, since: Revision | null | undefined][] = [
      ["op", undefined],
      ["op", begun],
      ["op", null],
      ["first", undefined],
      ["first", null],
      ["first", known],
    ];
    for (const [operationId, since] of attempts) await isKnown(backend, operationId, { since });
    equal(numbers(await backend.load("m")), [5, 6], "load");
  },

  async "it resolves to a revision after the save and before later entries"({ backend }) {
    await backend.append("m", recordsFrom(0), { operationId: "op" });
    await backend.save("m", recordsFrom(5, 3), { keepOperations });
    await backend.append("m", recordsFrom(8));
    const since = await backend.append("m", recordsFrom(0), { operationId: "op" });
    const news = await backend.read("m", { since });
    equal(numbers(news?.records), [8], "what came after the revision of the repeated append");
    equal(news?.reset, false, "reset");
    await backend.append("m", recordsFrom(9), { since });
    equal(numbers(await backend.load("m")), [5, 6, 7, 8, 9], "load");
  },

  async "the newest 64 of many appends, in every later save too"({ backend }) {
    for (let n = 0; n < 40; n++) await backend.append("m", recordsFrom(n), { operationId: `a${n}` });
    await backend.save("m", recordsFrom(30, 10), { keepOperations });
    for (let n = 40; n < 80; n++) await backend.append("m", recordsFrom(n), { operationId: `a${n}` });
    await backend.save("m", recordsFrom(70, 10), { keepOperations });
    await backend.save("m", recordsFrom(75, 5), { keepOperations });
    for (let n = 80 - KEPT; n < 80; n++) await isKnown(backend, `a${n}`);
    equal(numbers(await backend.load("m")), [75, 76, 77, 78, 79], "load");
  },

  async "of one memory only, and not after its delete"({ backend }) {
    await backend.append("m", recordsFrom(0), { operationId: "op" });
    await backend.save("m", recordsFrom(0), { keepOperations });
    await backend.append("other", recordsFrom(7), { operationId: "op" });
    equal(numbers(await backend.load("other")), [7], "load of another memory");
    await backend.delete("m");
    await backend.append("m", recordsFrom(8), { operationId: "op" });
    equal(numbers(await backend.load("m")), [8], "load of the memory that was made again");
  },

  async "other appends are made, and an append with the revision after the save is a new one"({ backend }) {
    await backend.append("m", recordsFrom(0), { operationId: "op" });
    const old = await revisionOf(backend);
    await backend.save("m", recordsFrom(0), { keepOperations });
    for (const operationId of ["o", "opp", "OP", "op-", "t", "at", "r", "save", "from"])
      await backend.append("m", recordsFrom(1), { operationId });
    equal((await backend.load("m"))?.length, 10, "the number of records");
    await rejects(
      () => backend.append("m", recordsFrom(2), { operationId: "another", since: old }),
      "CONFLICT",
      "another append with a `since` from before the save",
    );
    equal((await backend.load("m"))?.length, 10, "the number of records after a rejected append");
  },

  async "without it, or with `false`, they are forgotten"({ backend }) {
    for (const options of [{}, { keepOperations: false }, { keepOperations: undefined }]) {
      await backend.save("m", []);
      const since = await revisionOf(backend);
      await backend.append("m", recordsFrom(0), { operationId: "op", since });
      await backend.save("m", recordsFrom(0), { keepOperations });
      await backend.save("m", recordsFrom(5), options);
      await rejects(
        () => backend.append("m", recordsFrom(0), { operationId: "op", since }),
        "CONFLICT",
        "an append from before two saves",
      );
      await backend.append("m", recordsFrom(6), { operationId: "op" });
      equal(numbers(await backend.load("m")), [5, 6], "load");
    }
  },

  async "a save with a name stays known too, through any later save"({ backend }) {
    await backend.save("m", recordsFrom(0), { operationId: "one" });
    await backend.append("m", recordsFrom(1), { operationId: "op" });
    await backend.save("m", recordsFrom(5), { operationId: "two", keepOperations });
    await backend.append("m", recordsFrom(6));
    for (const operationId of ["one", "two"]) {
      await backend.save("m", recordsFrom(9), { operationId });
      await backend.save("m", recordsFrom(9), { operationId, keepOperations });
    }
    await isKnown(backend, "op");
    equal(numbers(await backend.load("m")), [5, 6], "load");
  },

  async "a condition that does not hold writes nothing and forgets nothing"({ backend }) {
    await backend.append("m", recordsFrom(0), { operationId: "op" });
    const old = await revisionOf(backend);
    await backend.append("m", recordsFrom(1), { operationId: "later" });
    for (const expectedRevision of [old, null]) {
      await rejects(
        () => backend.save("m", recordsFrom(9), { expectedRevision, keepOperations }),
        "CONFLICT",
        "save that expects another revision",
      );
    }
    equal(numbers(await backend.load("m")), [0, 1], "load");
    await backend.save("m", recordsFrom(1), { expectedRevision: await revisionOf(backend), keepOperations });
    await isKnown(backend, "op");
    await isKnown(backend, "later");
    equal(numbers(await backend.load("m")), [1], "load after the save");
    await backend.save("new", recordsFrom(3), { expectedRevision: null, keepOperations });
    equal(numbers(await backend.load("new")), [3], "load of a new memory");
  },

  async "an append at the same time is known afterwards, before the save or after it"({ backend }) {
    for (let round = 0; round < 8; round++) {
      const id = `m${round}`;
      await backend.append(id, recordsFrom(0), { operationId: "first" });
      const appending = backend.append(id, recordsFrom(1), { operationId: "op" });
      const saving = backend.save(id, recordsFrom(5), { keepOperations });
      await Promise.all([appending, saving]);
      const before = numbers(await backend.load(id));
      await isKnown(backend, "op", { id });
      await isKnown(backend, "first", { id });
      ok(before?.[0] === 5 && before.length <= 2, `the memory holds ${before}`);
    }
  },

  async "appends that are repeated at the same time are made once or not at all"({ backend }) {
    await backend.append("m", recordsFrom(0), { operationId: "op" });
    await backend.save("m", recordsFrom(5), { keepOperations });
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => backend.append("m", recordsFrom(0), { operationId: "op" })),
    );
    equal(new Set(answers).size, 1, "the number of different answers");
    equal(numbers(await backend.load("m")), [5], "load");
  },

  async "the time of creation stays"({ backend }) {
    if (!supports(backend, "info")) return;
    await backend.append("m", recordsFrom(0));
    const before = await backend.info("m");
    await nextMoment();
    await backend.save("m", recordsFrom(0), { keepOperations });
    equal((await backend.info("m"))?.createdAt, before?.createdAt, "createdAt");
  },

  async "another value than true or false is rejected, and nothing is written"({ backend }) {
    await backend.append("m", recordsFrom(0));
    for (const value of ["true", 1, null, {}]) {
      const options: SaveOptions = {};
      Reflect.set(options, "keepOperations", value);
      await rejects(
        () => backend.save("m", recordsFrom(9), options),
        "INVALID_ARGUMENT",
        `save with keepOperations: ${JSON.stringify(value)}`,
      );
    }
    equal(numbers(await backend.load("m")), [0], "load");
  },
});

export const keptForAnother: Suite = suiteOf(
  "log",
  "what a save keeps known is known to another instance on the store",
  {
    async "that was open before"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      await backend.append("m", recordsFrom(0), { operationId: "one" });
      await other.append("m", recordsFrom(1), { operationId: "two" });
      await other.save("m", recordsFrom(5), { keepOperations });
      await backend.append("m", recordsFrom(6), { operationId: "three" });
      await backend.save("m", recordsFrom(6), { keepOperations });
      for (const one of [backend, other])
        for (const operationId of ["one", "two", "three"]) await isKnown(one, operationId);
      equal(numbers(await other.load("m")), [6], "load");
    },

    async "that is opened later"(stage) {
      const { backend } = stage;
      const since = await backend.append("m", recordsFrom(0), { operationId: "one" });
      await backend.append("m", recordsFrom(1), { operationId: "two", since });
      await backend.save("m", recordsFrom(1), { keepOperations });
      const later = await stage.reopened();
      await isKnown(later, "one");
      await isKnown(later, "two", { since });
      await later.save("m", recordsFrom(7), { keepOperations });
      await isKnown(later, "one");
      equal(numbers(await later.load("m")), [7], "load");
    },

    async "that appends meanwhile"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      await backend.append("m", recordsFrom(0));
      for (let round = 0; round < 8; round++) {
        const appends = Array.from({ length: 4 }, (_, n) =>
          other.append("m", recordsFrom(round), { operationId: `op-${round}-${n}` }),
        );
        await Promise.all([...appends, backend.save("m", recordsFrom(50), { keepOperations })]);
        for (let n = 0; n < 4; n++) await isKnown(backend, `op-${round}-${n}`);
      }
    },
  },
  "concurrentOpen",
);

/** Repeats an append, and checks that nothing was written. */
async function isKnown(
  backend: LogBackend,
  operationId: string,
  { since, id = "m" }: { since?: Revision | null | undefined; id?: string } = {},
): Promise<void> {
  const before = numbers(await backend.load(id));
  const revision = await backend.append(id, recordsFrom(99), { operationId, since });
  const what = `the repeated append ${operationId} with ${since === undefined ? "no" : "a"} \`since\``;
  ok(typeof revision === "string" && revision !== "", `${what} resolves to ${JSON.stringify(revision)}`);
  equal(numbers(await backend.load(id)), before, `load after ${what}`);
}

async function revisionOf(backend: LogBackend, id = "m"): Promise<Revision> {
  const snapshot = await backend.read(id, { last: 1 });
  if (snapshot === null) throw new Error(`There is no memory ${id}.`);
  return snapshot.revision;
}
