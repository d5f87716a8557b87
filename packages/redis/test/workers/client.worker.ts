import { type Place, topologies } from "../support/topologies.ts";

// A separate process: uses a client through a backend, and closes both. Then it has to end by itself.
const [name = "", place = "{}"] = process.argv.slice(2);
const topology = topologies.find((one) => one.name === name);
if (topology === undefined) throw new Error(`There is no topology ${name}.`);
// The parts of a place that clients need to find the servers.
const { backend, close } = await topology.open(JSON.parse(place) as Place);
const one = backend<{ n: number }>({ prefix: `worker of ${name}:`, timeoutMs: 20_000, index: true });
await one.append("a", [{ n: 1 }]);
await one.recent?.({ limit: 1 });
console.log((await one.load("a"))?.length, (await one.list()).length);
await one.delete("a");
await one.close();
await close();
console.log("closed");
