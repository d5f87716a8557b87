import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it } from "@jest/globals";
import { InMemoryBackend } from "../src/index.ts";
import { eventsDuring, type Note, notes, withClock } from "./support/backends.ts";

const HOUR = 3_600_000;
const ID = "user-alice";

describe("a memory lives for its TTL after the last write", () => {
  it("and is gone afterwards, for every method", async () => {
    const { backend, time } = withClock({ ttl: "1h" });
    const revision = await backend.append(ID, notes(0, 1));
    time.now += HOUR;
    expect(await backend.load(ID)).toEqual(notes(0, 1));
    time.now += 1;
    expect(await backend.load(ID)).toBeNull();
    expect(await backend.read(ID)).toBeNull();
    expect(await backend.info(ID)).toBeNull();
    expect(await backend.list()).toEqual([]);
    expect(await backend.recent({ limit: 10 })).toEqual({ memories: [], cursor: null });
    await backend.touch(ID);
    expect(await backend.load(ID)).toBeNull();
    await expect(backend.append(ID, notes(1, 1), { since: revision })).rejects.toMatchObject({ code: "CONFLICT" });
    await backend.append(ID, notes(1, 1), { since: null });
    expect(await backend.load(ID)).toEqual(notes(1, 1));
  });

  it.each<[string, (backend: InMemoryBackend<Note>) => Promise<unknown>]>([
    ["append", (backend) => backend.append(ID, notes(1, 1))],
    ["save", (backend) => backend.save(ID, notes(0, 2))],
    ["touch", (backend) => backend.touch(ID)],
  ])("%s renews it", async (_method, renew) => {
    const { backend, time } = withClock({ ttl: HOUR });
    await backend.append(ID, notes(0, 1));
    time.now += HOUR;
    await renew(backend);
    const expiresAt = time.now + HOUR;
    expect((await backend.info(ID))?.expiresAt).toBe(expiresAt);
    time.now = expiresAt;
    expect(await backend.load(ID)).not.toBeNull();
    time.now += 1;
    expect(await backend.load(ID)).toBeNull();
  });

  it.each<[string, (backend: InMemoryBackend<Note>) => Promise<unknown>]>([
    ["load", (backend) => backend.load(ID)],
    ["read", (backend) => backend.read(ID, { last: 1 })],
    ["info", (backend) => backend.info(ID)],
    ["recent", (backend) => backend.recent({ limit: 1 })],
    ["list", (backend) => backend.list()],
    ["a refused append", (backend) => expect(backend.append(ID, notes(1, 1), { since: null })).rejects.toThrow()],
    ["an append made before", (backend) => backend.append(ID, notes(0, 1), { operationId: "turn" })],
  ])("%s does not", async (_method, look) => {
    const { backend, time } = withClock({ ttl: "1h" });
    await backend.append(ID, notes(0, 1), { operationId: "turn" });
    time.now += HOUR;
    await look(backend);
    time.now += 1;
    expect(await backend.load(ID)).toBeNull();
  });

  it("counts from a clock that begins at zero", async () => {
    const { backend, time } = withClock({ ttl: 10 }, 0);
    await backend.append(ID, notes(0, 1));
    time.now = 11;
    expect(await backend.load(ID)).toBeNull();
  });

  it("exactly as long as info says, even if the clock moves during the call", async () => {
    let now = 1_000;
    const clock = (): number => {
      now += 7;
      return now;
    };
    const backend = new InMemoryBackend<Note>({ ttl: 1_000, clock });
    await backend.append(ID, notes(0, 1));
    const { expiresAt } = (await backend.info(ID)) ?? {};
    now = Number(expiresAt) - 7;
    expect(await backend.load(ID)).toEqual(notes(0, 1));
    now = Number(expiresAt) + 1 - 7;
    expect(await backend.load(ID)).toBeNull();
  });

  it.each([undefined, null, 0, "0"])("for ever with a TTL of %p", async (ttl) => {
    const { backend, time } = withClock({ ttl });
    await backend.append(ID, notes(0, 1));
    expect((await backend.info(ID))?.expiresAt).toBeNull();
    time.now += 1_000 * 365 * 24 * HOUR;
    await backend.touch(ID);
    expect(await backend.load(ID)).toEqual(notes(0, 1));
  });

  it("by the real clock if no clock is given", async () => {
    const backend = new InMemoryBackend<Note>({ ttl: "7d" });
    const before = Date.now();
    await backend.append(ID, notes(0, 1));
    const { createdAt = 0, updatedAt, expiresAt } = (await backend.info(ID)) ?? {};
    expect(createdAt).toBeGreaterThanOrEqual(before);
    expect(createdAt).toBeLessThanOrEqual(Date.now());
    expect(updatedAt).toBe(createdAt);
    expect(expiresAt).toBe(createdAt + 7 * 24 * HOUR);
  });
});

describe("an expired memory takes no room from a living one", () => {
  it("and no warning is published when it goes", async () => {
    const { backend, time } = withClock({ ttl: "1h", maxMemories: 3 });
    const events = await eventsDuring(async () => {
      await backend.append("living", notes(0, 1));
      await backend.append("dead 1", notes(0, 1));
      await backend.append("dead 2", notes(0, 1));
      time.now += HOUR;
      await backend.touch("living");
      // These are used later than the living memory, which would go first if only the last use counted.
      await backend.load("dead 1");
      await backend.load("dead 2");
      time.now += 1;
      await backend.append("new 1", notes(0, 1));
      await backend.append("new 2", notes(0, 1));
    });
    expect((await backend.list()).sort()).toEqual(["living", "new 1", "new 2"]);
    expect(events).toEqual([]);
  });
});

describe("an expired memory does not stay in RAM until it is asked for", () => {
  it("but goes with the next write", async () => {
    const { backend, time } = withClock({ ttl: "1h" });
    const gone: unknown[] = [];
    // lru-cache publishes on a channel of its own what it drops. The cache with a TTL holds the memories.
    const listener = (event: unknown): void => {
      const { op, key, cache } = event as { op: string; key: string; cache: { ttl: number } };
      if (op === "delete" && cache.ttl > 0) gone.push(key);
    };
    subscribe("lru-cache:metrics", listener);
    try {
      await backend.append("a", notes(0, 1));
      await backend.append("b", notes(0, 1));
      time.now += HOUR;
      await backend.append("c", notes(0, 1));
      expect(gone).toEqual([]);
      await backend.touch("b");
      time.now += 1;
      await backend.append("c", notes(1, 1));
      expect(gone).toEqual(["a"]);
      time.now += HOUR;
      await backend.append("d", notes(0, 1));
      await backend.delete("d");
      await backend.append("d", notes(0, 1));
      time.now += HOUR + 1;
      await backend.append("e", notes(0, 1));
    } finally {
      unsubscribe("lru-cache:metrics", listener);
    }
    expect(gone).toEqual(["a", "b", "d", "c", "d"]);
  });
});

describe("info says when a memory was made and last written", () => {
  it("and a save or an append changes only the latter time", async () => {
    const { backend, time } = withClock();
    const createdAt = time.now;
    await backend.append(ID, notes(0, 1));
    time.now += 5;
    await backend.save(ID, notes(0, 3));
    expect(await backend.info(ID)).toEqual({ records: 3, bytes: 21, createdAt, updatedAt: time.now, expiresAt: null });
    time.now += 5;
    await backend.append(ID, notes(3, 1));
    expect(await backend.info(ID)).toEqual({ records: 4, bytes: 28, createdAt, updatedAt: time.now, expiresAt: null });
    await backend.delete(ID);
    await backend.append(ID, notes(0, 1));
    expect((await backend.info(ID))?.createdAt).toBe(time.now);
  });

  it("counts bytes of UTF-8", async () => {
    const backend = new InMemoryBackend<{ text: string }>();
    await backend.append(ID, [{ text: "é🙂" }]);
    expect((await backend.info(ID))?.bytes).toBe(Buffer.byteLength('{"text":"é🙂"}'));
  });
});
