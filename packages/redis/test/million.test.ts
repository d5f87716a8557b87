import { type RedisServer, startProxy, startRedis } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { RedisBackend } from "../src/index.ts";
import type { Note } from "./support/backends.ts";

const FOREIGN = 900_000;
const OWN = 100_000;
const AT_ONCE = 50_000;

/** Creates memories as appends would, and other keys, faster than one by one. */
const fill = `
for number = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local id = string.format('%07d', number)
  if number % 10 == 0 then
    local ms = string.format('%.0f', 1700000000000 + number)
    redis.call('RPUSH', 'mine:' .. id, '#1 e' .. id .. ' ' .. ms .. ' ' .. ms .. ' 1 0', '{"t":"o","at":' .. ms .. '000,"r":[{"n":1}]}')
  else
    redis.call('SET', 'others:' .. id, 'x')
  end
end`;

async function filled(): Promise<RedisServer> {
  const server = await startRedis();
  for (let first = 1; first <= FOREIGN + OWN; first += AT_ONCE) {
    await server.command("EVAL", fill, "0", String(first), String(first + AT_ONCE - 1));
  }
  return server;
}

describe("among 1,000,000 keys", () => {
  it("a page of recent() costs one page, and list() finds exactly its memories", async () => {
    await using server = await filled();
    expect(await server.command("DBSIZE")).toBe(FOREIGN + OWN);
    await using proxy = await startProxy(server);
    await using backend = new RedisBackend<Note>({ addr: proxy.addr, prefix: "mine:", timeoutMs: 60_000 });
    const progress: number[] = [];
    const onProgress = ({ memories }: { memories: number }): void => void progress.push(memories);
    expect(await backend.reindex({ onProgress })).toEqual({ memories: OWN, pruned: 0 });
    expect(progress.length).toBeGreaterThan(10);
    expect(progress.at(-1)).toBe(OWN);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));

    proxy.resetCounts();
    const page = await backend.recent?.({ limit: 20 });
    const { commands, sent, received } = proxy.counts;
    process.stdout.write(
      `recent of 20 among 1,000,000: ${JSON.stringify(commands)}, ${sent} bytes sent, ${received} received\n`,
    );
    expect(page?.memories).toHaveLength(20);
    // One command for the page, by SHA-1, and one for each memory in it. At most one more memory is read.
    expect(commands).toEqual({ EVALSHA: 1, LINDEX: 21 });
    expect(page?.memories[0]).toEqual({ memoryId: "1000000", updatedAt: 1_700_001_000_000 });

    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null && seen.length < 1_000; ) {
      const next = await backend.recent?.({ limit: 100, ...(cursor && { cursor }) });
      seen.push(...(next?.memories ?? []).map(({ memoryId }) => memoryId));
      cursor = next?.cursor;
    }
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, place) => String(1_000_000 - place * 10).padStart(7, "0")));

    proxy.resetCounts();
    const listed = await backend.list();
    const { commands: scans, sent: asked, received: answered } = proxy.counts;
    process.stdout.write(
      `list of 100,000 among 1,000,000: ${JSON.stringify(scans)}, ${asked} bytes sent, ${answered} received\n`,
    );
    expect(scans).toEqual({ SCAN: expect.any(Number) });
    expect(scans["SCAN"]).toBeLessThanOrEqual(210);
    expect(listed.length).toBe(OWN);
    expect(new Set(listed).size).toBe(OWN);
    expect(listed.every((memoryId) => /^\d{6}0$/.test(memoryId))).toBe(true);
  });
});
