import timers from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { temporaryDirectory } from "./support/backends.ts";
import { MemoryDisk } from "./support/model/memory-disk.ts";
import { RealDisk } from "./support/model/real-disk.ts";
import { DIRECTORY, type Outcome, runSchedule } from "./support/model/schedule.ts";
import { pause } from "./support/model/scheduler.ts";

/*
 * Real conversations on real backends that share only a directory. Every call to the file system waits until a seeded
 * scheduler lets it happen. Answers are lost, calls come late, processes are killed at any step, writes are torn, and
 * calls fail. Others delete, save and compact, files that deletes have left are swept, and the disk is rolled back to
 * an earlier state. The rules are in support/model/checker.ts and talker.ts.
 *
 * One schedule:        MODEL_SEED=123 pnpm exec jest --config ../../jest.config.js test/model-check.test.ts
 * This many schedules: MODEL_SCHEDULES=50000
 */
const { MODEL_SEED, MODEL_SCHEDULES = "1000" } = process.env;
const seeds = MODEL_SEED === undefined ? range(Number(MODEL_SCHEDULES)) : [Number(MODEL_SEED)];

/** How long they may take, in ms: a guard against hanging, not a measure. */
const LIMIT = 300 * Math.max(1_000, seeds.length);

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** Throws if a rule was broken. */
function check({ seed, violations, trace, ...tried }: Outcome): Pick<Outcome, "steps" | "compactions"> {
  if (MODEL_SEED !== undefined) console.log(trace.join("\n"));
  if (violations.length === 0) return tried;
  throw new Error(`MODEL_SEED=${seed} breaks a rule.\n${violations.join("\n")}\n\n${trace.slice(-300).join("\n")}`);
}

beforeAll(() => {
  // A writer that waits between two tries waits for steps of others. Such a wait resolves to nothing.
  jest.spyOn(timers, "setTimeout").mockImplementation(pause as typeof timers.setTimeout);
});

afterAll(() => {
  jest.restoreAllMocks();
});

describe("whatever the order of their steps, and whatever fails", () => {
  it(
    "loses, doubles, tears, hides and revives no turn",
    async () => {
      const all = { steps: 0, compactions: 0 };
      for (const seed of seeds) {
        const { steps, compactions } = check(await runSchedule(seed));
        all.steps += steps;
        all.compactions += compactions;
      }
      expect(all.steps).toBeGreaterThan(20 * seeds.length);
      if (seeds.length > 100) expect(all.compactions).toBeGreaterThan(seeds.length / 4);
    },
    LIMIT,
  );

  it("does the same on the machine's own disk", async () => {
    let steps = 0;
    for (const seed of seeds.slice(0, 25)) {
      const disk = new RealDisk(temporaryDirectory());
      steps += check(await runSchedule(seed, disk)).steps;
      await disk.release();
    }
    expect(steps).toBeGreaterThan(20);
  }, 300_000);

  it("is decided by the seed alone", async () => {
    const anonymous = ({ trace }: Outcome): string[] =>
      trace.map((line) => line.replace(/[\w-]{22}\.(\d+)\.[0-9a-f]{8}|m\.\S+\.tmp/g, "$1"));
    const [first, again, other] = [
      await runSchedule(7),
      await runSchedule(7, new MemoryDisk(DIRECTORY)),
      await runSchedule(8),
    ];
    expect(anonymous(again)).toEqual(anonymous(first));
    expect(anonymous(other)).not.toEqual(anonymous(first));
  });
});
