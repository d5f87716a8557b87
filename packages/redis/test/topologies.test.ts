import { join } from "node:path";
import { type Report, report, reportText } from "@deep-agent/conformance";
import { afterAll, describe, expect, it } from "@jest/globals";
import RedisMock from "ioredis-mock";
import { RedisBackend, type RedisMemoryOptions } from "../src/index.ts";
import { type Place, places, type Topology, topologies } from "./support/topologies.ts";

/*
 * The whole contract on every client and topology. The table at the end shows which promises hold where.
 */
const reports: Report[] = [];

/** How long a test of the kit may take here, on a busy machine, in ms. */
const PATIENCE = 120_000;

/**
 * Where a second process is tried, too: on a server and on a cluster, with the backend's own connections and with a
 * client of the application. Other clients send the same scripts.
 */
const WITH_TWO_PROCESSES: ReadonlySet<string> = new Set(["own connections", "ioredis 5", "own cluster"]);

const MOCK = "ioredis-mock";

/**
 * ioredis-mock reads key patterns as regular expressions, where "[" and line ends have another meaning. A save of
 * 65,600 records overflows its stack.
 */
const NOT_OF_THE_MOCK: ReadonlySet<string> = new Set([
  "what went in comes out equal",
  "list returns the ids of all memories, each once",
  "ids that look alike are different memories",
  "any valid id is safe, and any other id is rejected",
  "another instance on the store finds what was written",
]);

afterAll(() => void process.stdout.write(table(reports)));

describe("the contract holds for", () => {
  it.each([...new Set(topologies.map(({ on }) => on))])(
    "all clients on %s",
    async (on) => {
      await using place = await places[on]();
      // Many tests of the kit wait for time to pass: here they wait at the same time.
      const found = await Promise.all(
        topologies.filter((one) => one.on === on).map((topology) => conformanceOf(topology, place)),
      );
      reports.push(...found);
      expect(found.map(broken).join("")).toBe("");
    },
    600_000,
  );

  it("ioredis-mock, except where it differs from Redis", async () => {
    using _steady = steadyTime();
    const client = new RedisMock();
    let stores = 0;
    const onStore = (ttl: number | null): RedisBackend<object> => {
      const backend = RedisBackend.fromClient<object>(client, { prefix: `store-${stores}:`, ttl });
      // The mock has no MEMORY USAGE.
      return Object.defineProperty(backend, "info", { value: undefined });
    };
    const newStore = (ttl: number | null): RedisBackend<object> => {
      stores += 1;
      return onStore(ttl);
    };
    const found = await report(
      { name: MOCK, open: () => newStore(null), reopen: () => onStore(null), ttl: { open: newStore } },
      {
        promises: reports[0]?.promises.map(({ promise }) => promise).filter((name) => !NOT_OF_THE_MOCK.has(name)) ?? [],
      },
    );
    client.disconnect();
    reports.push(found);
    expect(broken(found)).toBe("");
  });
});

/**
 * The mock's TIME has the rounded seconds of one clock and the microseconds of another, so that it sometimes goes
 * back. With this, both come from the same clock. It is half a second ahead, since the mock rounds.
 */
function steadyTime(): Disposable {
  const { hrtime } = process;
  const ofTheClock = (): [number, number] => {
    const now = Date.now();
    return [0, (now - Math.round(now / 1_000) * 1_000 + 500) * 1e6];
  };
  process.hrtime = Object.assign(ofTheClock, { bigint: hrtime.bigint });
  return {
    [Symbol.dispose]() {
      process.hrtime = hrtime;
    },
  };
}

async function conformanceOf(topology: Topology, place: Place): Promise<Report> {
  const { backend, close } = await topology.open(place);
  let stores = 0;
  // Others are on the same servers meanwhile.
  const prefix = (): string => `${topology.name}-${stores}:`;
  let options: RedisMemoryOptions = {};
  const onStore = (ttl: number | null): RedisBackend<object> => {
    options = { prefix: prefix(), ttl, index: true, timeoutMs: 30_000 };
    return backend<object>(options);
  };
  const newStore = (ttl: number | null): RedisBackend<object> => {
    stores += 1;
    return onStore(ttl);
  };
  const { addr, nodes, name, proxies } = place;
  const elsewhere = {
    module: join(__dirname, "workers/elsewhere.worker.ts"),
    args: () => [topology.name, { addr, nodes, name, proxies: { addressMap: proxies.addressMap } }, options],
  };
  try {
    return await report(
      {
        name: topology.name,
        open: () => newStore(null),
        reopen: () => onStore(null),
        ttl: { open: newStore },
        ...(WITH_TWO_PROCESSES.has(topology.name) && { elsewhere }),
        async residue() {
          const index = `@recent:${prefix()}`;
          // On a cluster, the index drops memories that no longer exist only when it is read.
          const listed = topology.on === "cluster" ? [] : await place.command(index, "ZRANGE", index, "0", "-1");
          return [
            ...(await place.keys(prefix())),
            ...(listed as string[]).map((memoryId) => `in the index: ${memoryId}`),
          ];
        },
        async lose(_backend, memoryId) {
          const key = prefix() + memoryId;
          const entry = JSON.parse(String(await place.command(key, "RPOP", key))) as { r: unknown[] };
          const header = String(await place.command(key, "LINDEX", key, "0")).split(" ");
          header[4] = String(Number(header[4]) - entry.r.length);
          await place.command(key, "LSET", key, "0", header.join(" "));
        },
      },
      { timeoutMs: PATIENCE },
    );
  } finally {
    await close();
  }
}

function broken(found: Report): string {
  return found.conforms ? "" : reportText(found);
}

function table(all: readonly Report[]): string {
  const signs = { kept: "+", broken: "BROKEN", absent: "-", untested: "?" };
  const promises = all[0]?.promises.map(({ promise }) => promise) ?? [];
  const names = all.map(({ name }, place) => `  ${String.fromCharCode(97 + place)}  ${name}`);
  const head = `${all.map((_, place) => String.fromCharCode(97 + place)).join(" ")}  promise`;
  const rows = promises.map((promise) => {
    const cells = all.map(({ name, promises: own }) => {
      const outcome = own.find((one) => one.promise === promise)?.outcome;
      return outcome === undefined && name === MOCK ? "~" : signs[outcome ?? "untested"];
    });
    return `${cells.join(" ")}  ${promise}`;
  });
  return [
    "",
    "+ kept, - absent, ? not to be seen from outside, ~ of patterns that the mock does not understand",
    ...names,
    "",
    head,
    ...rows,
    "",
  ].join("\n");
}
