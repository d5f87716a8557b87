import { newTally, type Tally } from "../tally.ts";
import { type Part, type PartOptions, scaled } from "../torture-part.ts";
import type { Violation } from "./ledger.ts";
import { ModelServer } from "./model-server.ts";
import { playSchedule, type ScheduleOptions, type ScheduleResult } from "./schedule.ts";
import type { StoreKind } from "./stores.ts";

/** How many schedules the full run has. */
const SCHEDULES = 2_000;

/** The stores of the schedules. The repetitions give their shares. */
const storeKinds: readonly StoreKind[] = ["in-memory", "in-memory", "rolling", "rolling", "plain", "file"];

type AgentScheduleOptions = PartOptions & Partial<Pick<ScheduleOptions, "kinds" | "spoil">>;

/**
 * Tests the agent under faults, with seeded random schedules in which the model's server and the store both misbehave.
 */
export async function agentSchedules(options: AgentScheduleOptions): Promise<Tally[]> {
  const { seed, scale, note, only, kinds = storeKinds, spoil } = options;
  const tallies = new Map<StoreKind, Tally>();
  const indexes = only === undefined ? [...Array(scaled(SCHEDULES, scale)).keys()] : [only];
  await withModelServer(async (server) => {
    for (const index of indexes) {
      const result = await playWatched({ seed, index, server, kinds, spoil });
      addTo(tallies, result);
      if (result.violations.length > 0) report(result, { seed, index, note });
    }
  });
  return [...tallies.values()];
}

agentSchedules satisfies Part;

export async function withModelServer<T>(task: (server: ModelServer) => Promise<T>): Promise<T> {
  const server = new ModelServer();
  await server.start();
  try {
    return await task(server);
  } finally {
    await server.stop();
  }
}

/** Plays a schedule. An unhandled rejection or exception is a violation too. */
export async function playWatched(options: ScheduleOptions): Promise<ScheduleResult> {
  const strays: Violation[] = [];
  const listener = (error: unknown): void => {
    strays.push({ kind: "silentlyWrong", what: `an error was left unhandled: ${String(error)}` });
  };
  process.on("unhandledRejection", listener);
  try {
    const result = await playSchedule(options);
    return { ...result, violations: [...result.violations, ...strays] };
  } finally {
    process.off("unhandledRejection", listener);
  }
}

function addTo(tallies: Map<StoreKind, Tally>, { store, faults, acknowledged, violations }: ScheduleResult): void {
  const tally = tallies.get(store) ?? newTally(`agent, ${store} store`);
  tally.faults += faults;
  tally.acknowledged += acknowledged;
  for (const { kind } of violations) tally[kind] += 1;
  tallies.set(store, tally);
}

function report(
  { violations, lines }: ScheduleResult,
  { seed, index, note }: { seed: number; index: number; note: (line: string) => void },
): void {
  note(`Schedule ${index} of seed ${seed} failed:`);
  for (const { kind, what } of violations) note(`  ${kind}: ${what}`);
  for (const line of lines) note(`  ${line}`);
  note(`  again: npx -y pnpm@10.34.9 torture --part agent --seed ${seed} --only ${index}`);
}
