import { describe, expect, it } from "@jest/globals";
import { damage } from "../src/damage/damage.ts";
import { killLoops } from "../src/kill/kill-loops.ts";
import type { Tally } from "../src/tally.ts";
import type { Part } from "../src/torture-part.ts";

const SEED = 20261126;

const kept = { lost: 0, duplicated: 0, torn: 0, silentlyWrong: 0 };

/** Runs a part on a small scale. The result includes its notes. */
async function run(part: Part, scale: number): Promise<{ tallies: Tally[]; notes: string[] }> {
  const notes: string[] = [];
  const tallies = await part({ seed: SEED, scale, note: (line) => notes.push(line) });
  return { tallies, notes };
}

/** The sum of the numbers that stand before a word. */
function sumOf(notes: readonly string[], pattern: RegExp): number {
  return notes.reduce((sum, note) => sum + Number(pattern.exec(note)?.[1] ?? 0), 0);
}

describe("killed writers and servers lose, duplicate and tear nothing", () => {
  const KILLS = 6;

  it(`killed ${KILLS} times on each store, alone and among eight`, async () => {
    const { tallies, notes } = await run(killLoops, KILLS / 200);
    expect(tallies).toHaveLength(6);
    for (const tally of tallies) {
      expect(tally).toMatchObject(kept);
      expect(tally.faults).toBeGreaterThanOrEqual(KILLS);
      expect(tally.acknowledged).toBeGreaterThan(0);
    }
    // Kills of the server too.
    expect(tallies.filter(({ faults }) => faults > KILLS)).toHaveLength(2);
    // The kills fell into turns.
    expect(sumOf(notes, /left (\d+) turns unacknowledged/)).toBeGreaterThan(tallies.length * KILLS * 0.4);
    expect(sumOf(notes, /of which (\d+) are stored/)).toBeGreaterThan(0);
  });
});

describe("a damaged file is read correctly, read with a warning or refused, and no write makes it worse", () => {
  it("if it was cut or flipped, or its disk fails", async () => {
    const { tallies, notes } = await run(damage, 0.02);
    expect(tallies).toEqual(tallies.map(({ scenario }) => expect.objectContaining({ scenario, ...kept })));
    const [cuts, flips, skipping, calls] = tallies.map(({ faults }) => faults);
    expect(cuts).toBeGreaterThan(200);
    expect(flips).toBe(200);
    expect(skipping).toBe(50);
    expect(calls).toBeGreaterThan(60);
    for (const { acknowledged } of tallies) expect(acknowledged).toBeGreaterThan(0);
    // Each kind of reading occurred.
    expect(sumOf(notes, /(\d+) read correctly/)).toBeGreaterThan(10);
    expect(sumOf(notes, /(\d+) with a warning/)).toBeGreaterThan(200);
    expect(sumOf(notes, /(\d+) refused as CORRUPT/)).toBeGreaterThan(100);
  });
});
