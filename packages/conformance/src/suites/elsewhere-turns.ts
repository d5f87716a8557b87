import { equal, ok } from "../expectations.ts";
import type { KitRecord } from "../kit-records.ts";

/** How many records a turn has here: enough for more than one block of a file or a network. */
const PARTS = 24;

/** The records of one turn of a writer. */
export function turnOf(by: string, turn: number): KitRecord[] {
  return Array.from({ length: PARTS }, (_, part) => ({ by, turn, part, text: "x".repeat(100) }));
}

/** The turns of a log, as "writer turn". Fails if a turn is not whole, or its records are not next to each other. */
export function turnsIn(records: readonly KitRecord[] | null, what: string): string[] {
  const turns: string[] = [];
  const all = records ?? [];
  for (let index = 0; index < all.length; index += PARTS) {
    const { by, turn } = all[index] ?? {};
    equal(
      all.slice(index, index + PARTS).map((one) => [one["by"], one["turn"], one["part"]]),
      Array.from({ length: PARTS }, (_, part) => [by, turn, part]),
      `writer, turn and part of the records from ${index} on in ${what}`,
    );
    turns.push(`${by} ${turn}`);
  }
  return turns;
}

/** Fails unless the log has these turns of a writer, each once and in this order. */
export function inOrder(turns: readonly string[], by: string, count: number, what: string): void {
  const own = turns.filter((one) => one.startsWith(`${by} `));
  const expected = Array.from({ length: count }, (_, turn) => `${by} ${turn}`);
  const lost = expected.filter((one) => !own.includes(one));
  ok(lost.length === 0, `${what} lacks ${lost.length} acknowledged turns, among them "${lost[0]}"`);
  equal(own, expected, `the turns of "${by}" in ${what}`);
}
