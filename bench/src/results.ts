import type { Machine } from "./machine.ts";
import type { Footprint } from "./works/footprint.ts";
import type { Listing } from "./works/listing.ts";
import type { PartCost } from "./works/parts.ts";
import type { Size } from "./works/storage.ts";
import type { Rate } from "./works/throughput.ts";
import type { Turns } from "./works/turns.ts";

/** All that one run has measured. */
export interface Results {
  /** When the run began, in ISO 8601. */
  date: string;
  /** How long the run took. */
  seconds: number;
  plan: "full" | "quick";
  machine: Machine;
  turns: Turns;
  parts: PartCost[];
  throughput: Rate[];
  cluster: { one: Rate; three: Rate };
  storage: Size[];
  listing: Listing;
  footprint: Footprint;
}
