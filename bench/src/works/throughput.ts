import { startCluster } from "@deep-agent/test-redis";
import type { Child } from "../child.ts";
import { entryOf, type Name } from "../contenders/catalogue.ts";
import type { Plan } from "../plan.ts";
import { type Rounds, type Spread, spreadOf } from "../spread.ts";
import { type Company, Stage } from "../stage.ts";

/** Calls a second. */
export interface Rate {
  name: Name;
  inFlight: number;
  processes: number;
  perSecond: Spread;
  rounds: Rounds;
}

const WARM_UP = 150;

/** Rates of appends to new conversations: by one process at each `inFlight`, and by several processes with 64 each. */
export async function measureThroughput(stage: Stage, company: Company, { throughput }: Plan): Promise<Rate[]> {
  const { rounds, forMs, inFlight, processes } = throughput;
  // A contender with one file for all conversations rewrites it for each turn of any of them.
  const children = company.children.filter(({ name }) => !entryOf(name).isSingle);
  const rates: Rate[] = [];
  for (const concurrency of inFlight) {
    const teams = children.map((child) => [child]);
    rates.push(...(await rateOf(teams, { rounds, forMs, inFlight: concurrency, work: "append" })));
  }
  const several = children.filter(({ name }) => entryOf(name).store !== "memory" && entryOf(name).group !== "peer");
  const teams = await Promise.all(
    several.map(async (child) => {
      const { name } = child;
      // The processes share their files as they share Redis: the files are in one folder.
      const isFile = entryOf(name).store === "file";
      const place = isFile ? { folder: await stage.folder(name) } : {};
      const others = Array.from({ length: isFile ? processes : processes - 1 }, () => stage.child(name, place));
      return Promise.all(isFile ? others : [child, ...others]);
    }),
  );
  rates.push(...(await rateOf(teams, { rounds, forMs, inFlight: 64, work: "append" })));
  return rates;
}

/** The rate of whole turns: on a cluster of three masters, and on one server. */
export async function measureCluster({ cluster }: Plan): Promise<{ one: Rate; three: Rate }> {
  await using stage = await Stage.set();
  await using servers = await startCluster({ args: ["--save", "", "--appendonly", "no"] });
  const hosts = servers.nodes.map(({ host, port }) => `${host}:${port}`).join(",");
  const teams = [[await stage.child("redis")], [await stage.child("redis", { url: `redis://${hosts}?cluster=true` })]];
  const [one, three] = await rateOf(teams, { ...cluster, inFlight: 256, work: "turn" });
  if (one === undefined || three === undefined) throw new Error("Nothing was measured.");
  return { one, three };
}

/** A team is a set of processes that work at the same time. The teams take turns. */
async function rateOf(
  teams: readonly (readonly Child[])[],
  { rounds, forMs, inFlight, work }: { rounds: number; forMs: number; inFlight: number; work: "append" | "turn" },
): Promise<Rate[]> {
  const rates = teams.map((): number[] => []);
  // The first round is shorter. It opens connections, and is not counted.
  for (let round = -1; round < rounds; round++) {
    for (const [place, team] of teams.entries()) {
      const loops = team.map((child, process) => {
        const conversations = `rate-${inFlight}-${round}-${process}`;
        return child.loop({ work, conversations, inFlight, forMs: round < 0 ? Math.min(WARM_UP, forMs) : forMs });
      });
      const rate = (await Promise.all(loops)).reduce((sum, one) => sum + one, 0);
      if (round >= 0) rates[place]?.push(rate);
    }
  }
  return teams.flatMap((team, place) => {
    const [first] = team;
    const measured = rates[place];
    if (first === undefined || measured === undefined) return [];
    return [{ name: first.name, inFlight, processes: team.length, perSecond: spreadOf(measured), rounds: measured }];
  });
}
