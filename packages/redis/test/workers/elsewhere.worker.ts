import type { RedisBackend, RedisMemoryOptions } from "../../src/index.ts";
import { type Place, topologies } from "../support/topologies.ts";

/** What the other process of the conformance kit calls. `place`: the parts that clients need to find the servers. */
export const elsewhere: {
  open(name: string, place: Place, options: RedisMemoryOptions): Promise<RedisBackend<object>>;
} = {
  async open(name, place, options) {
    const topology = topologies.find((one) => one.name === name);
    if (topology === undefined) throw new Error(`There is no topology ${name}.`);
    return (await topology.open(place)).backend<object>(options);
  },
};
