import { MAX_MEMORY_ID_BYTES, supports } from "@deep-agent/core/adapter";
import { equal, rejects, sameMembers } from "../expectations.ts";
import { recordsFrom } from "../kit-records.ts";
import type { Stage } from "../stage.ts";
import { type Suite, suite } from "../suite.ts";
import { memoryCallsOf } from "./calls.ts";

export const memoryIds: Suite = suite("any valid id is safe, and any other id is rejected", {
  "paths and device names": (stage) =>
    expectSafe(stage, [
      "../../etc/passwd",
      "/etc/passwd",
      "a/b/../c",
      ".",
      "..",
      "...",
      "~",
      "C:\\x",
      "CON",
      "con",
      "aux.txt",
      "NUL",
      "LPT1",
      "a:b",
      ".tmp",
      "x.tmp",
      "a.1",
      "a.1.jsonl",
    ]),

  "characters with a meaning in shells, queries and patterns": (stage) =>
    expectSafe(stage, [
      "*",
      "?",
      "[a-z]",
      "{a,b}",
      "-rf",
      "--",
      "$(id)",
      "`id`",
      "a;b",
      "a|b",
      "a&b",
      "'",
      '"',
      "' OR 1=1 --",
      "%s",
      "%00",
      "_",
      "#",
      "<b>",
    ]),

  "names of properties that every object has": (stage) =>
    expectSafe(stage, [
      "__proto__",
      "constructor",
      "prototype",
      "toString",
      "hasOwnProperty",
      "length",
      "then",
      "null",
      "undefined",
      "0",
      "-1",
    ]),

  "control characters and white space": (stage) =>
    expectSafe(stage, [
      "\0",
      "a\0b",
      "\n",
      "a\nb",
      "\r\n",
      "\t",
      " ",
      "  ",
      " a ",
      "\u007f",
      "\u0085",
      "\u2028",
      "\ufeff",
      "\u200b",
    ]),

  "scripts from all over the world": (stage) =>
    expectSafe(stage, [
      "日本語",
      "العربية",
      "हिन्दी",
      "😀",
      "👩‍👩‍👧‍👦",
      "🇨🇭",
      "e\u0301",
      "𝕏",
      "\u{10ffff}",
      "\ue000",
      "ﷺ",
    ]),

  "ids of the greatest length": (stage) =>
    expectSafe(stage, [
      "x".repeat(MAX_MEMORY_ID_BYTES),
      "é".repeat(MAX_MEMORY_ID_BYTES / 2),
      "日".repeat(Math.floor(MAX_MEMORY_ID_BYTES / 3)),
      "😀".repeat(MAX_MEMORY_ID_BYTES / 4),
      "/".repeat(MAX_MEMORY_ID_BYTES),
      "%".repeat(MAX_MEMORY_ID_BYTES),
      "\0".repeat(MAX_MEMORY_ID_BYTES),
    ]),

  async "an invalid id is INVALID_MEMORY_ID for every method, and nothing is written"({ backend }) {
    for (const id of invalidIds) {
      for (const [method, call] of memoryCallsOf(backend)) {
        await rejects(() => call(id as string), "INVALID_MEMORY_ID", `${method} of ${shown(id)}`);
      }
    }
    equal(await backend.list(), [], "list after rejected calls");
  },
});

const invalidIds: readonly unknown[] = [
  "",
  "x".repeat(MAX_MEMORY_ID_BYTES + 1),
  "é".repeat(MAX_MEMORY_ID_BYTES / 2 + 1),
  "\ud800",
  "a\udc00",
  "\udc00\ud800",
  undefined,
  null,
  7,
  true,
  {},
  ["a"],
];

async function expectSafe({ backend }: Stage, ids: readonly string[]): Promise<void> {
  for (const id of ids) await backend.save(id, [{ id }]);
  for (const id of ids) equal(await backend.load(id), [{ id }], `load of ${shown(id)}`);
  if (supports(backend, "log")) {
    for (const id of ids) await backend.append(id, recordsFrom(1));
    for (const id of ids) equal((await backend.read(id, { last: 1 }))?.records, recordsFrom(1), `read of ${shown(id)}`);
  }
  if (supports(backend, "info")) {
    for (const id of ids) equal((await backend.info(id)) !== null, true, `whether info of ${shown(id)} exists`);
  }
  sameMembers(await backend.list(), ids, "list");
  for (const id of ids) await backend.delete(id);
  equal(await backend.list(), [], "list after all were deleted");
}

function shown(id: unknown): string {
  return typeof id === "string" ? JSON.stringify(id.length > 40 ? `${id.slice(0, 40)}…` : id) : String(id);
}
