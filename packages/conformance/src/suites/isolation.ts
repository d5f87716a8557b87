import { supports } from "@deep-agent/core/adapter";
import { equal, sameMembers } from "../expectations.ts";
import { type Suite, suite } from "../suite.ts";

/** Groups of ids that some stores take for the same id. */
const groups: Readonly<Record<string, readonly string[]>> = {
  "in case": ["alice", "Alice", "ALICE", "straße", "STRASSE", "strasse", "ı", "i", "I", "İ"],
  "in Unicode normalisation": ["é", "e\u0301", "Å", "A\u030a", "\u212b", "ﬁ", "fi", "①", "1", "ｱ", "ア"],
  "in a suffix": [
    "user",
    "user ",
    "user:",
    "user:1",
    "user:10",
    "user.",
    "user/",
    "user.1",
    "user#",
    "user\0",
    "user\n",
    "user.jsonl",
    "user.0",
  ],
  "in a prefix": ["a", " a", "/a", "./a", "../a", "\\a", ":a", "0a", "-a", "\ufeffa"],
  "in invisible characters": [
    "ab",
    "a\u200bb",
    "a\u00adb",
    "a\u2060b",
    "a b",
    "a\u00a0b",
    "a\tb",
    "a\rb",
    "a\nb",
    "a\r\nb",
  ],
  "in an escape": ["a/b", "a%2Fb", "a%2fb", "a_b", "a-b", "a\\b", "a//b", "a\\/b", "a%b", "a%25b", "%61"],
  "in the form of a number": ["1", "01", "1.0", "1e0", "+1", "٠", "0", "-0"],
  "in their last character only": [
    `${"x".repeat(500)}a`,
    `${"x".repeat(500)}b`,
    "x".repeat(500),
    `${"日".repeat(300)}a`,
    `${"日".repeat(300)}b`,
  ],
};

export const isolation: Suite = suite(
  "ids that look alike are different memories",
  Object.fromEntries(
    Object.entries(groups).map(([how, ids]) => [
      `ids that differ ${how}`,
      async ({ backend }) => {
        for (const id of ids) await backend.save(id, [{ id }]);
        for (const id of ids) equal(await backend.load(id), [{ id }], `load of ${JSON.stringify(id)}`);
        sameMembers(await backend.list(), ids, "list");
        if (supports(backend, "log")) {
          for (const id of ids) await backend.append(id, [{ of: id }]);
          for (const id of ids)
            equal((await backend.read(id))?.records, [{ id }, { of: id }], `read of ${JSON.stringify(id)}`);
        }
        const left = [...ids];
        for (const id of ids) {
          left.shift();
          await backend.delete(id);
          equal(await backend.load(id), null, `load of ${JSON.stringify(id)} after its delete`);
          sameMembers(await backend.list(), left, `list after the delete of ${JSON.stringify(id)}`);
        }
      },
    ]),
  ),
);
