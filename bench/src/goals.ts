import { entryOf, type Name } from "./contenders/catalogue.ts";
import type { Work } from "./contenders/contender.ts";
import type { Results } from "./results.ts";
import { type Rounds, ratioOf } from "./spread.ts";
import type { TurnCost } from "./works/turns.ts";

/** A promise about costs, and what a run measured. */
export interface Goal {
  text: string;
  limit: number;
  /** Whether `limit` is an upper or a lower limit. */
  is: "at most" | "at least";
  /** `null`: nothing was measured. */
  value: number | null;
  /** The unit of `limit` and `value`. Absent: they are ratios. */
  unit?: "ms" | "kB";
}

export function isMet({ limit, is, value }: Goal): boolean {
  return value !== null && (is === "at most" ? value <= limit : value >= limit);
}

/** "met", or "missed" and by which factor the value is too large or too small. */
export function verdict(goal: Goal): string {
  if (goal.value === null) return "not measured";
  if (isMet(goal)) return "met";
  const excess = goal.is === "at most" ? goal.value / goal.limit : goal.limit / goal.value;
  return `missed by a factor of ${excess.toFixed(2)}`;
}

/** Bytes in one kilobyte, as size-limit counts. */
const KILOBYTE = 1_000;

export function goalsOf(results: Results): Goal[] {
  const { lengths, long } = lengthsOf(results);
  const [shortest, longest] = [Math.min(...lengths), Math.max(...lengths)];
  const turn = (name: Name, length: number): TurnCost | undefined =>
    results.turns.costs.find((cost) => cost.name === name && cost.length === length);
  const turnRatio = (name: Name): number | null => ratio(turn(name, longest)?.rounds, turn(name, shortest)?.rounds);
  const part = (name: Name, work: Work): Rounds | undefined =>
    results.parts.find((cost) => cost.name === name && cost.work === work)?.rounds;
  const partRatio = (name: Name, floor: Name, work: Work): number | null => ratio(part(name, work), part(floor, work));
  const rate = (name: Name, inFlight: number): Rounds | undefined =>
    results.throughput.find((one) => one.name === name && one.inFlight === inFlight && one.processes === 1)?.rounds;

  const goals: Goal[] = [];
  const add = (text: string, is: Goal["is"], limit: number, value: number | null, unit?: Goal["unit"]): void => {
    goals.push({ text, is, limit, value, ...(unit !== undefined && { unit }) });
  };
  for (const name of ["memory", "file", "redis", "ioredis", "encrypted"] as const) {
    add(
      `${titleOf(name)}: a turn at ${count(longest)} messages, compared with one at ${count(shortest)}`,
      "at most",
      1.2,
      turnRatio(name),
    );
  }
  for (const [name, store] of [
    ["redis", "redis"],
    ["file", "file"],
  ] as const) {
    const own = turn(name, long);
    const rivals = results.turns.costs.filter((cost) => {
      const { group, store: where } = entryOf(cost.name);
      return cost.length === long && where === store && (group === "peer" || group === "rewriting");
    });
    const best = rivals.toSorted((a, b) => a.ms.median - b.ms.median)[0];
    const leanest = Math.min(...rivals.map(bytesOf));
    const comparison = `a turn at ${count(long)} messages, compared with`;
    const time = ratio(own?.rounds, best?.rounds);
    add(`${titleOf(name)}: time of ${comparison} the fastest that loads or rewrites all`, "at most", 1 / 60, time);
    const bytes = own === undefined || !Number.isFinite(leanest) ? null : bytesOf(own) / leanest;
    add(`${titleOf(name)}: bytes of ${comparison} the leanest of these`, "at most", 1 / 100, bytes);
  }
  for (const [name, floor] of [
    ["redis", "floor-redis"],
    ["ioredis", "floor-ioredis"],
  ] as const) {
    add(
      `${titleOf(name)}: an append, compared with bare RPUSH and PEXPIRE`,
      "at most",
      1.35,
      partRatio(name, floor, "append"),
    );
    add(
      `${titleOf(name)}: a window of 20 messages, compared with bare LRANGE and JSON.parse`,
      "at most",
      1.3,
      partRatio(name, floor, "window"),
    );
    add(
      `${titleOf(name)}: a load of ${count(long)} messages, compared with bare LRANGE and JSON.parse`,
      "at most",
      1.15,
      partRatio(name, floor, "load"),
    );
    add(
      `${titleOf(name)}: appends a second with 256 in flight, compared with the bare client`,
      "at least",
      0.8,
      ratio(rate(name, 256), rate(floor, 256)),
    );
  }
  for (const { bytes, json, length } of results.storage.filter(
    ({ name, length }) => name === "redis" && length >= 100,
  )) {
    add(
      `deep-agent, Redis: memory of ${count(length)} messages of 500 bytes, compared with their JSON`,
      "at most",
      1.2,
      bytes / json,
    );
  }
  const most = Math.max(...results.listing.costs.map(({ memories }) => memories));
  const listed = (name: Name, work: Work): Rounds | undefined =>
    results.listing.costs.find((cost) => cost.name === name && cost.work === work && cost.memories === most)?.rounds;
  add(
    `deep-agent, Redis: the 20 newest of ${count(most)} memories, compared with a PING`,
    "at most",
    5,
    ratio(listed("redis", "recent"), listed("floor-redis", "ping")),
  );
  for (const length of lengths) {
    add(
      `deep-agent, file: a turn at ${count(length)} messages, compared with one write and fsync`,
      "at most",
      1.3,
      ratio(turn("file", length)?.rounds, turn("floor-file", length)?.rounds),
    );
  }
  const imported = (name: string) => results.footprint.imports.find((cost) => cost.package === name);
  const core = imported("@deep-agent/core");
  const redis = imported("@deep-agent/redis");
  add("@deep-agent/core: time that an import adds to a start of Node", "at most", 15, core?.ms.median ?? null, "ms");
  add(
    "@deep-agent/core: size of an import, minified and gzipped, without the SDK",
    "at most",
    12,
    kilobytes(core?.loaded),
    "kB",
  );
  add(
    "@deep-agent/redis: size of an import, minified and gzipped, without client and core",
    "at most",
    8,
    kilobytes(redis?.loaded),
    "kB",
  );
  return goals;
}

function lengthsOf({ turns }: Results): { lengths: number[]; long: number } {
  const lengths = [...new Set(turns.costs.map(({ length }) => length))].sort((a, b) => a - b);
  return { lengths, long: 10_000 };
}

function titleOf(name: Name): string {
  return entryOf(name).title;
}

function ratio(of: Rounds | undefined, to: Rounds | undefined): number | null {
  return of === undefined || to === undefined ? null : (ratioOf(of, to)?.median ?? null);
}

/** Bytes in both directions. `Infinity` if they were not counted, so that such a turn is never the leanest. */
function bytesOf({ written = Number.NaN, read = Number.NaN }: TurnCost): number {
  const bytes = written + read;
  return Number.isNaN(bytes) ? Number.POSITIVE_INFINITY : bytes;
}

function kilobytes(bytes: number | null | undefined): number | null {
  return bytes === null || bytes === undefined ? null : bytes / KILOBYTE;
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}
