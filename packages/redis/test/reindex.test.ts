import { type RedisServer, startCluster } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { RedisBackend } from "../src/index.ts";
import { eventsDuring, type Note, notes, rejectionOf, useServer } from "./support/backends.ts";

const redis = useServer();

/** Creates memories as appends would, but without the index. */
const FILL = `
for number = tonumber(ARGV[2]), tonumber(ARGV[3]) do
  redis.call('RPUSH', ARGV[1] .. number, '#1 e 1700000000000 1700000000000 1 0', '{"t":"o","at":1700000000000000,"r":[{"n":1}]}')
end`;

async function recentIds(backend: RedisBackend<Note>): Promise<string[] | undefined> {
  return (await backend.recent?.({ limit: 1_000 }))?.memories.map(({ memoryId }) => memoryId);
}

/** Waits for the server's next millisecond, because a reindex orders memories by milliseconds. */
async function nextMillisecond(): Promise<void> {
  const now = async (): Promise<string> => {
    const [seconds, microseconds] = (await redis.command("TIME")) as [string, string];
    return `${seconds}.${Math.floor(Number(microseconds) / 1_000)}`;
  };
  const before = await now();
  while ((await now()) === before);
}

describe("reindex completes the index", () => {
  it("adds memories written without it, removes those that no longer exist, and keeps the order of time", async () => {
    const without = redis.open({ index: false });
    const backend = redis.open();
    for (const memoryId of ["a", "b", "c", "d"])
      await (memoryId < "c" ? without : backend).append(memoryId, notes(0, 1));
    await nextMillisecond();
    await without.append("a", notes(1, 1));
    await redis.command("DEL", `${redis.prefix}d`);
    await redis.command("SET", `${redis.prefix}go`, "[]");
    const seen: number[] = [];
    const result = await backend.reindex({ onProgress: ({ memories, pruned }) => seen.push(memories + pruned) });
    expect(result).toEqual({ memories: 3, pruned: 1 });
    expect(seen.at(-1)).toBe(4);
    expect(await redis.command("ZRANGE", `@recent:${redis.prefix}`, "0", "-1")).toEqual(["b", "c", "a"]);
    expect(await recentIds(backend)).toEqual(["a", "c", "b"]);
  });

  it("keeps the times of memories that are written meanwhile", async () => {
    const without = redis.open({ index: false });
    const backend = redis.open();
    const ids = Array.from({ length: 200 }, (_, n) => `m${n}`);
    await Promise.all(ids.map((memoryId) => without.append(memoryId, notes(0, 1))));
    let last = "";
    const writing = (async () => {
      for (let n = 0; n < 50; n++) {
        last = `m${n * 3}`;
        await backend.append(last, notes(n, 1));
      }
    })();
    const [result] = await Promise.all([backend.reindex(), writing]);
    expect(result.memories).toBe(200);
    const recent = (await recentIds(backend)) ?? [];
    expect(recent[0]).toBe(last);
    expect([...recent].sort()).toEqual([...ids].sort());
  });

  it("removes expired memories, and all after a flush, and reports its progress", async () => {
    const brief = redis.open({ ttl: 1 });
    const backend = redis.open();
    for (let n = 0; n < 2_500; n += 500) {
      await Promise.all(notes(n, 500).map(({ n: id }) => (id % 2 ? brief : backend).append(`m${id}`, notes(0, 1))));
    }
    const index = `@recent:${redis.prefix}`;
    while (Number(await redis.command("EXISTS", `${redis.prefix}m2499`)) === 1);
    const known = Number(await redis.command("ZCARD", index));
    const seen: { memories: number; pruned: number }[] = [];
    const result = await backend.reindex({ onProgress: (progress) => seen.push(progress) });
    expect(result).toEqual({ memories: 1_250, pruned: known - 1_250 });
    expect(seen.length).toBeGreaterThan(3);
    expect(seen.at(-1)).toEqual(result);
    expect(seen.map(({ memories, pruned }) => memories + pruned)).toEqual(
      seen.map(({ memories, pruned }) => memories + pruned).sort((a, b) => a - b),
    );
    expect(await redis.command("ZCARD", index)).toBe(1_250);

    const dump = (await redis.command("ZRANGE", index, "0", "-1", "WITHSCORES")) as [string, string][];
    await redis.command("FLUSHALL");
    await redis.command("ZADD", index, ...dump.flat().toReversed().map(String));
    await backend.append("m0", notes(0, 1));
    expect(await backend.reindex()).toMatchObject({ memories: 1 });
    expect(await redis.command("ZRANGE", index, "0", "-1")).toEqual(["m0"]);
  });

  it("ends halfway if it is aborted", async () => {
    const backend = redis.open();
    for (let n = 0; n < 12_000; n += 1_000) {
      await redis.command("EVAL", FILL, "0", redis.prefix, String(n), String(n + 999));
    }
    const reason = new Error("enough");
    const controller = new AbortController();
    const calls: number[] = [];
    const onProgress = ({ memories }: { memories: number }): void => {
      calls.push(memories);
      controller.abort(reason);
    };
    expect(await rejectionOf(backend.reindex({ onProgress, signal: controller.signal }))).toBe(reason);
    expect(calls).toHaveLength(1);
    // Its work until then stays, and the next reindex goes on.
    expect(await redis.command("ZCARD", `@recent:${redis.prefix}`)).toBe(calls[0]);
    expect((await backend.reindex()).memories).toBe(12_000);
  });

  it("can be aborted, and is refused if there is no index", async () => {
    const backend = redis.open();
    await backend.append("a", notes(0, 1));
    const reason = new Error("enough");
    expect(await rejectionOf(backend.reindex({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    const error = await rejectionOf(redis.open({ index: false }).reindex());
    expect(error).toMatchObject({ code: "NOT_SUPPORTED", hint: expect.stringContaining("index") });
  });
});

describe("on a cluster, where one node has the index", () => {
  it("there is no index unless it is asked for", async () => {
    await using backend = new RedisBackend<Note>({ cluster: ["127.0.0.1:1"] });
    expect(backend.recent).toBeUndefined();
    expect(new RedisBackend({ cluster: ["127.0.0.1:1"], index: true }).recent).toBeInstanceOf(Function);
  });

  it("it has the written memories only, can be built again, and losing it loses no turn", async () => {
    await using cluster = await startCluster();
    const options = { cluster: cluster.nodes.map(({ host, port }) => `${host}:${port}`), timeoutMs: 4_000 };
    await using backend = new RedisBackend<Note>({ ...options, index: true, prefix: "c:" });
    const ids = Array.from({ length: 30 }, (_, n) => `m${n}`);
    for (const memoryId of ids) await backend.append(memoryId, notes(0, 1));
    await backend.save("m3", notes(0, 2));
    await backend.delete("m4");
    const expected = ["m3", ...ids.toReversed().filter((memoryId) => !["m3", "m4"].includes(memoryId))];
    expect(await recentIds(backend)).toEqual(expected);
    const home = await cluster.masterOf("@recent:c:");
    expect(await home.command("ZCARD", "@recent:c:")).toBe(29);
    await home.command("DEL", "@recent:c:");
    expect(await recentIds(backend)).toEqual([]);
    expect(await backend.reindex()).toEqual({ memories: 29, pruned: 0 });
    expect((await recentIds(backend))?.sort()).toEqual([...expected].sort());

    // Expired memories leave the index when new ones come.
    for (const memoryId of ids.slice(5, 25))
      await (await cluster.masterOf(`c:${memoryId}`)).command("DEL", `c:${memoryId}`);
    for (let n = 0; n < 60; n++) await backend.append(`new${n}`, notes(0, 1));
    expect(Number(await home.command("ZCARD", "@recent:c:"))).toBeLessThan(29 + 60);

    const elsewhere = await memoryNotOn(home, cluster);
    const absences = [() => home.freeze(), () => home.thaw().then(() => home.kill())];
    for (const [n, goAway] of absences.entries()) {
      await goAway();
      const events = await eventsDuring(() => backend.append(elsewhere, notes(n, 1)));
      expect(events).toContainEqual({
        ...{ type: "warning", backend: "redis", memoryId: elsewhere },
        detail: expect.stringContaining("missing from the index"),
      });
      expect(await backend.load(elsewhere)).toEqual(notes(0, n + 1));
    }
  });

  async function memoryNotOn(home: RedisServer, cluster: Awaited<ReturnType<typeof startCluster>>): Promise<string> {
    for (let n = 0; ; n++) if ((await cluster.masterOf(`c:other${n}`)) !== home) return `other${n}`;
  }
});
