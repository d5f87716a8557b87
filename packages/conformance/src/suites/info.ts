import { type MemoryInfo, supports } from "@deep-agent/core/adapter";
import { equal, ok } from "../expectations.ts";
import { recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { nextMoment } from "./moments.ts";

/** The year 2001 in ms. As seconds, it would be tens of thousands of years away. */
const FIRST_MS = 1_000_000_000_000;

export const info: Suite = suiteOf("info", "info returns the facts about a memory", {
  async "the number of records, after every write"({ backend }) {
    await backend.save("m", recordsFrom(0, 3));
    equal((await backend.info("m"))?.records, 3, "records after a save");
    if (supports(backend, "log")) {
      await backend.append("m", recordsFrom(3, 4));
      await backend.append("m", recordsFrom(7));
      equal((await backend.info("m"))?.records, 8, "records after appends");
    }
    await backend.save("m", recordsFrom(0));
    equal((await backend.info("m"))?.records, 1, "records after another save");
  },

  async "the size, which is larger for larger records"({ backend }) {
    await backend.save("m", recordsFrom(0));
    const small = check(await backend.info("m"));
    await backend.save("m", [{ text: "x".repeat(100_000) }]);
    const large = check(await backend.info("m"));
    ok(small.bytes > 0, `a memory of one record takes ${small.bytes} bytes`);
    ok(
      large.bytes > small.bytes,
      `a record with 100,000 characters takes ${large.bytes} bytes, and one with a number ${small.bytes}`,
    );
  },

  async "the size, which grows with each append and shrinks with a smaller save"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    await backend.append("m", recordsFrom(0));
    let { bytes } = check(await backend.info("m"));
    for (let n = 1; n <= 5; n++) {
      await backend.append("m", [{ text: "x".repeat(1_000) }]);
      const next = check(await backend.info("m"));
      ok(next.bytes > bytes, `bytes is ${next.bytes} after another append, and was ${bytes} before`);
      bytes = next.bytes;
    }
  },

  async "its creation, which no later write moves"({ backend }) {
    await backend.save("m", recordsFrom(0));
    const { createdAt } = check(await backend.info("m"));
    for (let n = 1; n <= 4; n++) {
      await nextMoment();
      await backend.save("m", recordsFrom(n, n));
      equal(check(await backend.info("m")).createdAt, createdAt, `createdAt after ${n} more saves`);
    }
    await nextMoment();
    await backend.save("m", []);
    equal(check(await backend.info("m")).createdAt, createdAt, "createdAt after a save of no records");
    if (supports(backend, "log")) {
      await backend.append("m", recordsFrom(0), { operationId: "op" });
      equal(check(await backend.info("m")).createdAt, createdAt, "createdAt after an append to the emptied memory");
      const { revision } = (await backend.read("m")) ?? {};
      await backend.save("m", recordsFrom(1), { expectedRevision: revision, operationId: "save" });
      equal(check(await backend.info("m")).createdAt, createdAt, "createdAt after a conditional save");
    }
    if (supports(backend, "expiry")) {
      await backend.touch("m");
      equal(check(await backend.info("m")).createdAt, createdAt, "createdAt after a touch");
    }
    await backend.delete("m");
    await nextMoment();
    await backend.save("m", recordsFrom(0));
    ok(
      check(await backend.info("m")).createdAt > createdAt,
      "createdAt of a deleted memory stays when it is made again",
    );
  },

  async "its facts, which no reading and no refused or repeated write changes"({ backend }) {
    await backend.save("m", recordsFrom(0, 3));
    await backend.save("other", recordsFrom(0));
    if (supports(backend, "log")) {
      await backend.append("m", recordsFrom(3, 2), { operationId: "op" });
      await backend.save("saved", recordsFrom(0, 2), { operationId: "save" });
    }
    const ids = supports(backend, "log") ? ["m", "saved"] : ["m"];
    const known = async (): Promise<object[]> =>
      Promise.all(ids.map(async (id) => ({ ...check(await backend.info(id)), expiresAt: null })));
    const before = await known();
    await nextMoment();
    const calls: [string, () => Promise<unknown>][] = [
      ["load", () => backend.load("m")],
      ["list", () => backend.list()],
      ["info", () => backend.info("m")],
      ["a write to another memory", () => backend.save("other", recordsFrom(1))],
      ["a delete of another memory", () => backend.delete("other")],
      ["a save of a bigint", () => backend.save("m", [{ n: 1n }]).catch(() => undefined)],
      ["an aborted save", () => backend.save("m", [], { signal: AbortSignal.abort() }).catch(() => undefined)],
    ];
    if (supports(backend, "log")) {
      const since = (await backend.read("m"))?.revision;
      calls.push(
        ["read", () => backend.read("m")],
        ["read since a revision", () => backend.read("m", { since })],
        ["read of the last record", () => backend.read("m", { last: 1 })],
        ["a second attempt at an append", () => backend.append("m", recordsFrom(3, 2), { operationId: "op" })],
        ["a second attempt at a save", () => backend.save("saved", recordsFrom(0, 2), { operationId: "save" })],
        ["a refused append", () => backend.append("m", recordsFrom(9), { since: null }).catch(() => undefined)],
        ["a refused save", () => backend.save("m", [], { expectedRevision: null }).catch(() => undefined)],
      );
    }
    if (supports(backend, "catalogue")) calls.push(["recent", () => backend.recent({ limit: 5 })]);
    if (supports(backend, "health")) calls.push(["ping", () => backend.ping()]);
    for (const [what, call] of calls) {
      await call();
      equal(await known(), before, `info after ${what}`);
    }
  },

  async "the times of its creation and its last write"({ backend }) {
    await backend.save("m", recordsFrom(0));
    const first = check(await backend.info("m"));
    await nextMoment();
    if (supports(backend, "log")) {
      await backend.append("m", recordsFrom(1));
      const second = check(await backend.info("m"));
      equal(second.createdAt, first.createdAt, "createdAt after an append");
      ok(second.updatedAt > first.updatedAt, "updatedAt did not increase with an append");
    }
    const before = check(await backend.info("m"));
    await nextMoment();
    await backend.load("m");
    equal((await backend.info("m"))?.updatedAt, before.updatedAt, "updatedAt after a mere load");
    await backend.save("m", recordsFrom(2));
    ok(check(await backend.info("m")).updatedAt > before.updatedAt, "updatedAt did not increase with a save");
  },

  async "the time of the last write, which is that of the catalogue"(stage) {
    const { backend } = stage;
    if (!supports(backend, "catalogue")) throw stage.absent("catalogue");
    for (const id of ["a", "b", "c"]) {
      await backend.save(id, recordsFrom(0));
      await nextMoment();
    }
    if (supports(backend, "log")) await backend.append("a", recordsFrom(1));
    const { memories } = await backend.recent({ limit: 5 });
    equal(memories.length, 3, "the number of memories in the catalogue");
    for (const { memoryId, updatedAt } of memories) {
      const facts = check(await backend.info(memoryId));
      // A store may note the two times one after the other.
      ok(
        Math.abs(facts.updatedAt - updatedAt) < 1_000,
        `updatedAt of ${memoryId} is ${facts.updatedAt} by info, and ${updatedAt} by recent`,
      );
    }
  },

  async "of one memory only"({ backend }) {
    await backend.save("a", recordsFrom(0, 2));
    await backend.save("ab", recordsFrom(0, 5));
    equal((await backend.info("a"))?.records, 2, "records of a");
    await backend.delete("a");
    equal(await backend.info("a"), null, "info after a delete");
    equal((await backend.info("ab"))?.records, 5, "records of ab");
  },

  async "all facts, with the time when it expires, or null"({ backend }) {
    await backend.save("m", []);
    const facts = check(await backend.info("m"));
    equal(facts.records, 0, "records");
    equal(
      Object.keys(facts).sort(),
      ["bytes", "createdAt", "expiresAt", "records", "updatedAt"],
      "the names of the facts",
    );
    const { expiresAt } = facts;
    ok(expiresAt === null || expiresAt > facts.updatedAt, `expiresAt is ${expiresAt}, which is not after updatedAt`);
  },
});

function check(facts: MemoryInfo | null): MemoryInfo {
  ok(facts !== null, "info of an existing memory is null");
  for (const name of ["records", "bytes"] as const) {
    ok(Number.isSafeInteger(facts[name]) && facts[name] >= 0, `${name} is ${facts[name]}`);
  }
  for (const name of ["createdAt", "updatedAt"] as const) {
    ok(
      Number.isSafeInteger(facts[name]) && facts[name] > FIRST_MS,
      `${name} is ${facts[name]}, which is not a time in whole ms`,
    );
  }
  ok(facts.createdAt <= facts.updatedAt, "createdAt is after updatedAt");
  ok(facts.expiresAt === null || Number.isSafeInteger(facts.expiresAt), `expiresAt is ${facts.expiresAt}`);
  return facts;
}
