import { type MemoryInfo, supports } from "@deep-agent/core/adapter";
import { equal, ok } from "../expectations.ts";
import { recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { nextMoment } from "./moments.ts";

/** 2001 in ms; in seconds, as many are thousands of years away. */
const FIRST_MS = 1_000_000_000_000;

export const info: Suite = suiteOf("info", "info tells the facts about a memory", {
  async "how many records it has, after every write"({ backend }) {
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

  async "what it takes, and more where there is more"({ backend }) {
    await backend.save("m", recordsFrom(0));
    const small = check(await backend.info("m"));
    await backend.save("m", [{ text: "x".repeat(100_000) }]);
    const large = check(await backend.info("m"));
    ok(small.bytes > 0, `a memory of one record takes ${small.bytes} bytes`);
    ok(
      large.bytes > small.bytes,
      `one with 100,000 characters takes ${large.bytes} bytes, one with a number ${small.bytes}`,
    );
  },

  async "when it was made and written"({ backend }) {
    await backend.save("m", recordsFrom(0));
    const first = check(await backend.info("m"));
    await nextMoment();
    if (supports(backend, "log")) {
      await backend.append("m", recordsFrom(1));
      const second = check(await backend.info("m"));
      equal(second.createdAt, first.createdAt, "createdAt after an append");
      ok(second.updatedAt > first.updatedAt, "updatedAt did not go on with an append, which came later");
    }
    const before = check(await backend.info("m"));
    await nextMoment();
    await backend.load("m");
    equal((await backend.info("m"))?.updatedAt, before.updatedAt, "updatedAt, as the memory was only read");
    await backend.save("m", recordsFrom(2));
    ok(check(await backend.info("m")).updatedAt > before.updatedAt, "updatedAt did not go on with a save");
  },

  async "of one memory alone"({ backend }) {
    await backend.save("a", recordsFrom(0, 2));
    await backend.save("ab", recordsFrom(0, 5));
    equal((await backend.info("a"))?.records, 2, "records of a");
    await backend.delete("a");
    equal(await backend.info("a"), null, "info after a delete");
    equal((await backend.info("ab"))?.records, 5, "records of ab");
  },

  async "all of them, and when it ends: null for never"({ backend }) {
    await backend.save("m", []);
    const facts = check(await backend.info("m"));
    equal(facts.records, 0, "records");
    const { expiresAt } = facts;
    ok(expiresAt === null || expiresAt > facts.updatedAt, `expiresAt is ${expiresAt}, which is not behind updatedAt`);
  },
});

function check(facts: MemoryInfo | null): MemoryInfo {
  ok(facts !== null, "info of a memory that is there is null");
  for (const name of ["records", "bytes"] as const) {
    ok(Number.isSafeInteger(facts[name]) && facts[name] >= 0, `${name} is ${facts[name]}`);
  }
  for (const name of ["createdAt", "updatedAt"] as const) {
    ok(
      Number.isSafeInteger(facts[name]) && facts[name] > FIRST_MS,
      `${name} is ${facts[name]}, which is no time in whole ms`,
    );
  }
  ok(facts.createdAt <= facts.updatedAt, "createdAt is behind updatedAt");
  ok(facts.expiresAt === null || Number.isSafeInteger(facts.expiresAt), `expiresAt is ${facts.expiresAt}`);
  return facts;
}
