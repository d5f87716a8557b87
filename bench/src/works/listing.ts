import type { RedisServer } from "@deep-agent/test-redis";
import type { Child } from "../child.ts";
import type { Name } from "../contenders/catalogue.ts";
import { WINDOW, type Work } from "../contenders/contender.ts";
import { type Cell, interleave, type Measured } from "../interleave.ts";
import type { Plan } from "../plan.ts";
import { Stage } from "../stage.ts";

/** What it costs to find `memories` conversations among the keys of others. */
interface ListingCost extends Measured {
  name: Name;
  work: Work;
  memories: number;
}

export interface Listing {
  /** How many keys of others there are. */
  foreign: number;
  costs: ListingCost[];
}

/** How many keys one script makes. */
const MADE_AT_ONCE = 50_000;

/** Threads of @mastra/redis are made one by one. More than this many would take too long. */
const MAX_THREADS = 100_000;

/** Conversations of one short turn each, with their place in the index, as an append leaves them. */
const memoriesOfOurs = `
for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local id = string.format('%07d', number)
  local ms = string.format('%.0f', 1700000000000 + number)
  redis.call('RPUSH', 'node-redis:' .. id, '#1 e' .. id .. ' ' .. ms .. ' ' .. ms .. ' 1 0',
    '{"t":"o","at":' .. ms .. '000,"r":[{"role":"user","content":"Hello","id":"m' .. id .. '","createdAt":' .. ms .. '}]}')
  redis.call('ZADD', '@recent:node-redis:', ms .. '000', id)
end`;

const foreignKeys = `
for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do redis.call('SET', 'foreign:' .. string.format('%07d', number), 'x') end`;

export async function measureListing({ listing }: Plan): Promise<Listing> {
  const { memories, foreign, pace } = listing;
  await using ours = await Stage.set();
  await using theirs = await Stage.set();
  for (const { redis } of [ours, theirs]) await run(redis, foreignKeys, 0, foreign);
  const redis = await ours.child("redis");
  const floor = await ours.child("floor-redis");
  const mastra = await theirs.child("mastra");
  const costs: ListingCost[] = [];
  let made = 0;
  for (const count of memories) {
    await run(ours.redis, memoriesOfOurs, made, count);
    const cells = [cellOf(redis, "list", count), cellOf(redis, "recent", WINDOW), cellOf(floor, "ping")];
    if (count <= MAX_THREADS) {
      for (let number = made; number < count; number += 1_000) await makeThreads(mastra, number, 1_000);
      cells.push(cellOf(mastra, "list", count), cellOf(mastra, "recent", WINDOW));
    }
    made = count;
    const measured = await interleave(cells, pace);
    for (const [place, { child, work }] of cells.entries()) {
      const found = measured[place];
      if (found !== undefined) costs.push({ name: child.name, work, memories: count, ...found });
    }
  }
  return { foreign, costs };
}

function cellOf(child: Child, work: Work, brings?: number): Cell {
  const cell = { child, work, conversations: [""], length: Number.POSITIVE_INFINITY };
  return brings === undefined ? cell : { ...cell, brings };
}

/** Makes the keys with these numbers by a script, many at once. */
async function run(redis: RedisServer, script: string, from: number, to: number): Promise<void> {
  for (let first = from + 1; first <= to; first += MADE_AT_ONCE) {
    await redis.command("EVAL", script, "0", String(first), String(Math.min(to, first + MADE_AT_ONCE - 1)));
  }
}

async function makeThreads(mastra: Child, from: number, count: number): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, place) => mastra.fill(`thread-${from + place}`, 0)));
}
