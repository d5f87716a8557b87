import type { Message } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { audit } from "../src/kill/audit.ts";
import { Series } from "../src/kill/series.ts";
import { turnOf, usualSize } from "../src/kill/turns.ts";
import type { WriterProcess } from "../src/kill/writer-process.ts";

/** A series of five turns, of which the last one was not acknowledged. */
function series(name: string): Series {
  const one = new Series(name);
  // The only properties that the audit reads.
  one.record({ tried: [0, 1, 2, 3, 4], acknowledged: [0, 1, 2, 3], assignment: undefined } as unknown as WriterProcess);
  return one;
}

function turn(name: string, number: number): Message[] {
  return turnOf(name, number, usualSize(number));
}

const all = [0, 1, 2, 3].flatMap((number) => [...turn("a", number), ...turn("b", number)]);
const clean = { acknowledged: 8, lost: 0, duplicated: 0, torn: 0, silentlyWrong: 0, unacknowledged: 0 };

describe("the audit counts each turn in the right column", () => {
  const [question = [] as never, answer = [] as never] = turn("a", 4);
  it.each<[what: string, messages: Message[], counts: Partial<typeof clean>]>([
    ["nothing", all, {}],
    ["one is there that was not acknowledged", [...all, ...turn("a", 4)], { unacknowledged: 1 }],
    ["one is missing", all.toSpliced(2, 2), { lost: 1 }],
    ["all are missing", [], { lost: 8 }],
    ["one is there twice", [...all, ...turn("a", 3)], { duplicated: 1 }],
    [
      "one is there twice that was not acknowledged",
      [...all, ...turn("a", 4), ...turn("a", 4)],
      { unacknowledged: 1, duplicated: 1 },
    ],
    ["half of one is there", [...all, question], { torn: 1 }],
    ["the other half of one is there", [...all, answer], { torn: 1 }],
    ["two are within each other", [question, ...turn("b", 0), answer, ...all.toSpliced(2, 2)], { torn: 2 }],
    ["two are exchanged", [...all.slice(4, 6), ...all.slice(0, 4), ...all.slice(6)], { silentlyWrong: 1 }],
    ["one was never sent", [...all, ...turn("a", 5)], { silentlyWrong: 1 + 1 }],
    ["one belongs to no series", [...all, ...turn("c", 0)], { silentlyWrong: 1 + 1 }],
    [
      "one differs from what was sent",
      [...all.slice(0, 1), { ...all[1], content: "no" } as Message, ...all.slice(2)],
      { silentlyWrong: 1 },
    ],
  ])("%s", (_what, messages, counts) => {
    expect(audit([series("a"), series("b")], messages)).toEqual({ ...clean, ...counts });
  });
});
