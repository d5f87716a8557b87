import { Random } from "../random.ts";
import type { Tally } from "../tally.ts";
import { type PartOptions, scaled } from "../torture-part.ts";
import { type Bite, killLoop } from "./kill-loop.ts";
import { openFileStore, openRedisStore, type Store } from "./store.ts";

const stores: readonly [name: string, open: () => Promise<Store>][] = [
  ['file, durability "sync"', () => openFileStore("sync")],
  ['file, durability "os"', () => openFileStore("os")],
  ["Redis, appendfsync always", openRedisStore],
];

const WRITERS = [1, 8];

/** Kills for each scenario in a full run. */
const KILLS = 200;

/** Kills processes that write, and the server that they write to. Then counts what is stored. */
export async function killLoops({ seed, scale, note }: PartOptions): Promise<Tally[]> {
  const tallies: Tally[] = [];
  for (const [name, open] of stores) {
    for (const writers of WRITERS) {
      const scenario = `kill: ${name}, ${writers} ${writers === 1 ? "writer" : "writers"}`;
      await using store = await open();
      const kills = scaled(KILLS, scale);
      const { tally, bite } = await killLoop(store, { scenario, writers, kills }, new Random(seed, scenario));
      tallies.push(tally);
      note(`${scenario}: ${toText(kills, bite)}`);
    }
  }
  return tallies;
}

function toText(kills: number, { unacknowledged, stored, cut, serverKills }: Bite): string {
  const servers = serverKills === 0 ? "" : ` and ${serverKills} of the server`;
  return `${kills} kills${servers} left ${unacknowledged} turns unacknowledged, of which ${stored} are stored and ${cut} cut short`;
}
