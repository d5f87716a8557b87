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
