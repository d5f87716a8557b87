import timers from "node:timers/promises";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { createClient } from "@redis/client";
import { logicalNow, type Outcome, runSchedule, type Server, seededChance } from "./support/model/schedule.ts";
import { pause, STEP_MS } from "./support/model/scheduler.ts";

/*
 * Real conversations, on real backends that share nothing but a real server, whose every command waits until a seeded scheduler lets
 * it happen: with replies and requests lost, and requests that come late; with deletes, expiry, saves by others, retention, and
 * roll-backs to an earlier state. What has to be true is written down in support/model/checker.ts and talker.ts.
 *
 * One schedule:     MODEL_SEED=123 pnpm exec jest --config ../../jest.config.js test/model-check.test.ts
 * As many as this:  MODEL_SCHEDULES=50000
 */
const { MODEL_SEED, MODEL_SCHEDULES = "1000" } = process.env;
const seeds = MODEL_SEED === undefined ? range(Number(MODEL_SCHEDULES)) : [Number(MODEL_SEED)];

/** How long they may take, in ms: a guard against hanging, not a measure. */
const LIMIT = 600 * Math.max(1_000, seeds.length);

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

let redis: RedisServer;
let client: ReturnType<typeof createClient>;
let server: Server;

beforeAll(async () => {
  redis = await startRedis();
  client = createClient({ socket: { host: redis.host, port: redis.port }, commandOptions: { timeout: 0 } });
  await client.connect();
  server = { send: (command) => client.sendCommand([...command]) };
  jest.spyOn(timers, "setTimeout").mockImplementation(pause as typeof timers.setTimeout);
  jest.spyOn(performance, "now").mockImplementation(() => logicalNow(STEP_MS));
  jest.spyOn(Math, "random").mockImplementation(seededChance);
});

afterAll(async () => {
  jest.restoreAllMocks();
  client.destroy();
  await redis[Symbol.asyncDispose]();
});

/** Throws where a rule was broken. Returns how much was tried. */
function check({ seed, steps, violations, trace }: Outcome): number {
  if (MODEL_SEED !== undefined) console.log(trace.join("\n"));
  if (violations.length === 0) return steps;
  throw new Error(`MODEL_SEED=${seed} breaks a rule.\n${violations.join("\n")}\n\n${trace.slice(-300).join("\n")}`);
}

describe("whatever gets lost, and comes late", () => {
  it(
    "loses, doubles, hides and revives no turn",
    async () => {
      let steps = 0;
      for (const seed of seeds) steps += check(await runSchedule(seed, server));
      process.stdout.write(`model: ${seeds.length} schedules, ${steps} steps, no rule broken\n`);
      expect(steps).toBeGreaterThan(20 * seeds.length);
    },
    LIMIT,
  );

  it("is decided by the seed alone", async () => {
    const anonymous = ({ trace }: Outcome): string[] =>
      trace.map((line) => line.replace(/[\w-]{22}\.(\d+)\.\d+/g, "$1"));
    const [first, again, other] = [
      await runSchedule(7, server),
      await runSchedule(7, server),
      await runSchedule(8, server),
    ];
    expect(anonymous(again)).toEqual(anonymous(first));
    expect(anonymous(other)).not.toEqual(anonymous(first));
  });

  it("would not be so without the deadlines", async () => {
    const broken = [];
    for (let seed = 1; seed <= 300 && broken.length === 0; seed++) {
      const { violations } = await runSchedule(seed, server, true);
      broken.push(...violations);
    }
    expect(broken).not.toEqual([]);
  });
});
