import timers from "node:timers/promises";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { createClient } from "@redis/client";
import { logicalNow, type Outcome, runSchedule, type Server, seededChance } from "./support/model/schedule.ts";
import { pause, STEP_MS } from "./support/model/scheduler.ts";

/*
 * Real conversations on real backends that share only a real server. Each of their commands waits until a seeded
 * scheduler chooses it. Replies and requests get lost, and requests come late. There are deletes, expiry, saves by
 * other clients, retention, and roll-backs to an earlier state. support/model/checker.ts and talker.ts have the rules
 * that must hold.
 *
 * One schedule:     MODEL_SEED=123 pnpm exec jest --config ../../jest.config.js test/model-check.test.ts As many as
 * this:  MODEL_SCHEDULES=50000
 */
const { MODEL_SEED, MODEL_SCHEDULES = "1000" } = process.env;
const seeds = MODEL_SEED === undefined ? range(Number(MODEL_SCHEDULES)) : [Number(MODEL_SEED)];

/** How long the schedules may take, in ms. This only guards against a hanging test. */
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

/** Runs schedules. Throws if a rule was broken. Returns what was tried. */
function check({ seed, steps, violations, trace }: Outcome): number {
  if (MODEL_SEED !== undefined) console.log(trace.join("\n"));
  if (violations.length === 0) return steps;
  throw new Error(`MODEL_SEED=${seed} breaks a rule.\n${violations.join("\n")}\n\n${trace.slice(-300).join("\n")}`);
}

describe("with lost and late commands", () => {
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

  it("the seed alone decides a schedule", async () => {
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

  it("the rules break without deadlines", async () => {
    const broken = [];
    for (let seed = 1; seed <= 300 && broken.length === 0; seed++) {
      const { violations } = await runSchedule(seed, server, true);
      broken.push(...violations);
    }
    expect(broken).not.toEqual([]);
  });
});
