import { supports } from "@deep-agent/core/adapter";
import { equal, sameMembers } from "../expectations.ts";
import { recordsFrom } from "../kit-records.ts";
import type { Stage } from "../stage.ts";
import { type Suite, suite } from "../suite.ts";

export const listing: Suite = suite("list returns the ids of all memories, each once", {
  async "no ids, for an empty store"({ backend }) {
    equal(await backend.list(), [], "list");
    equal(await backend.list({ prefix: "a" }), [], "list by prefix");
  },

  async "more than a thousand memories"({ backend }) {
    const ids = Array.from({ length: 1_205 }, (_, index) => `memory-${index}`);
    for (let from = 0; from < ids.length; from += 20) {
      await Promise.all(ids.slice(from, from + 20).map((id) => backend.save(id, recordsFrom(0))));
    }
    sameMembers(await backend.list(), ids, "list");
    const some = ids.filter((id) => id.startsWith("memory-77"));
    sameMembers(await backend.list({ prefix: "memory-77" }), some, "list by prefix");
  },

  async "a memory that was written several times, once"({ backend }) {
    for (let n = 0; n < 10; n++) {
      await backend.save("m", recordsFrom(n));
      if (supports(backend, "log")) await backend.append("m", recordsFrom(n));
      equal(await backend.list(), ["m"], "list");
    }
  },

  async "no deleted memories"({ backend }) {
    for (const id of ["a", "b", "c"]) await backend.save(id, recordsFrom(0));
    await backend.delete("b");
    sameMembers(await backend.list(), ["a", "c"], "list");
  },

  async "every memory that stays, once, while others are written and deleted"({ backend }) {
    const staying = Array.from({ length: 60 }, (_, index) => `m${index * 2}`);
    const going = Array.from({ length: 60 }, (_, index) => `m${index * 2 + 1}`);
    await Promise.all([...staying, ...going].map((id) => backend.save(id, recordsFrom(0))));
    const change = async (): Promise<void> => {
      for (const [index, id] of going.entries()) {
        await backend.delete(id);
        await backend.save(`new-${index}`, recordsFrom(0));
        await backend.save(staying[index] ?? "", recordsFrom(1));
      }
    };
    const changing = change();
    changing.catch(() => undefined); // a failure is seen below, after the lists
    for (let time = 0; time < 5; time++) {
      const ids = await backend.list();
      sameMembers(
        ids.filter((id) => staying.includes(id)),
        staying,
        "the memories that stay, in a list that is made while others are written and deleted",
      );
      equal(new Set(ids).size, ids.length, "the number of different ids in such a list");
    }
    await changing;
    sameMembers(await backend.list({ prefix: "m" }), staying, "list after all changes");
  },

  async "with a prefix, the ids that begin with it or are equal to it"(stage) {
    const ids = ["a", "ab", "abc", "b", "ba", "a/b", "a/c", "A", "é", "éa"];
    await expectPrefixes(stage, ids, ["a", "ab", "abc", "abcd", "a/", "b", "A", "é", "", "z"]);
  },

  async "with a prefix that is taken literally, whatever it means to the store"(stage) {
    const ids = [
      "a*b",
      "axb",
      "a?b",
      "a[1]b",
      "a1b",
      "a%b",
      "a_b",
      "a\\b",
      "a.b",
      "a^b",
      "a-b",
      "a{b}",
      "a'b",
      'a"b',
      "*",
      "?",
      "[",
      "%",
    ];
    await expectPrefixes(stage, ids, [
      "a*",
      "a?",
      "a[1]",
      "a[",
      "a%",
      "a_",
      "a\\",
      "a.",
      "a^",
      "a-",
      "a{b}",
      "a'",
      'a"',
      "*",
      "?",
      "[",
      "%",
      "\\",
    ]);
  },

  async "with a prefix that ends within a character, or is longer than any id"(stage) {
    await expectPrefixes(stage, ["é", "e\u0301", "e", "x".repeat(1_000)], ["e", "e\u0301", "é", "x".repeat(2_000)]);
  },

  async "with a prefix of control characters, white space or half a character"(stage) {
    const ids = [
      "\0",
      "\0a",
      "a\0b",
      "\n",
      "\na",
      "a\nb",
      " ",
      "  ",
      " a",
      "\t",
      "😀",
      "😀a",
      "😁",
      "\u{10ffff}",
      "\ufeff",
    ];
    await expectPrefixes(stage, ids, ["\0", "a\0", "\n", "a\n", " ", "  ", "\t", "😀", "\ud83d", "\ufeff", "\r"]);
  },

  async "a new array at each call, and the options stay unchanged"({ backend }) {
    await backend.save("a", recordsFrom(0));
    const options = Object.freeze({ prefix: "a" });
    const ids = await backend.list(options);
    ids.push("invented");
    equal(await backend.list(options), ["a"], "list after its answer was changed");
  },
});

async function expectPrefixes({ backend }: Stage, ids: readonly string[], prefixes: readonly string[]): Promise<void> {
  for (const id of ids) await backend.save(id, recordsFrom(0));
  sameMembers(await backend.list(), ids, "list");
  for (const prefix of prefixes) {
    const expected = ids.filter((id) => id.startsWith(prefix));
    sameMembers(await backend.list({ prefix }), expected, `list with the prefix ${JSON.stringify(prefix)}`);
  }
}
