import type { Pace } from "./interleave.ts";

/** How much is measured. */
export interface Plan {
  /** Lengths of conversations, in messages. */
  lengths: readonly number[];
  /** The longest of `lengths` for contenders whose turns take longer in longer conversations. */
  longestRewritten: number;
  /** Length of the conversation that is loaded whole, and to which turns are appended. */
  long: number;
  turns: Pace;
  parts: Pace;
  throughput: { rounds: number; forMs: number; inFlight: readonly number[]; processes: number };
  storage: { conversations: number };
  listing: { memories: readonly number[]; foreign: number; pace: Pace };
  footprint: { imports: number; conversations: number; turns: number };
  cluster: { rounds: number; forMs: number };
}

export const fullPlan: Plan = {
  lengths: [10, 100, 1_000, 10_000, 100_000],
  longestRewritten: 100_000,
  long: 10_000,
  turns: { rounds: 12, sliceMs: 60, times: 20 },
  parts: { rounds: 16, sliceMs: 100, times: 200 },
  throughput: { rounds: 5, forMs: 600, inFlight: [1, 16, 256], processes: 4 },
  storage: { conversations: 400 },
  listing: { memories: [1_000, 100_000, 1_000_000], foreign: 1_000_000, pace: { rounds: 9, sliceMs: 100, times: 100 } },
  footprint: { imports: 15, conversations: 10_000, turns: 1_000 },
  cluster: { rounds: 5, forMs: 800 },
};

/** The same, smaller and with fewer repetitions: what it says about goals is only a hint. */
export const quickPlan: Plan = {
  lengths: [10, 10_000],
  longestRewritten: 10_000,
  long: 10_000,
  turns: { rounds: 3, sliceMs: 20, times: 5 },
  parts: { rounds: 3, sliceMs: 30, times: 50 },
  throughput: { rounds: 2, forMs: 120, inFlight: [256], processes: 2 },
  storage: { conversations: 10 },
  listing: { memories: [1_000, 20_000], foreign: 20_000, pace: { rounds: 3, sliceMs: 50, times: 50 } },
  footprint: { imports: 1, conversations: 1_000, turns: 200 },
  cluster: { rounds: 2, forMs: 300 },
};
