import { type Place, topologies } from "../support/topologies.ts";

// A process of its own: uses a client through a backend, closes both, and has to end then by itself.
const [name = "", place = "{}"] = process.argv.slice(2);
const topology = topologies.find((one) => one.name === name);
if (topology === undefined) throw new Error(`There is no topology ${name}.`);
// What clients need of it to find the servers.
const { backend, close } = await topology.open(JSON.parse(place) as Place);
const one = backend<{ n: number }>({ prefix: `worker of ${name}:`, timeoutMs: 20_000, index: true });
await one.append("a", [{ n: 1 }]);
await one.recent?.({ limit: 1 });
console.log((await one.load("a"))?.length, (await one.list()).length);
await one.delete("a");
await one.close();
await close();
console.log("closed");
