import { type Capability, supports } from "@deep-agent/core";
import { capabilityMethods } from "@deep-agent/core/adapter";
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { RedisBackend } from "../src/index.ts";
import { type Note, notes, rejectionOf, useServer } from "./support/backends.ts";

/*
 * Promises beyond the contract, which the kit tests (topologies.test.ts): the capabilities that the backend declares,
 * the content of the store, and how calls wait.
 */

const redis = useServer();
const ID = "user-alice";

let backend: RedisBackend<Note>;
beforeEach(() => {
  backend = redis.open();
});

describe("the backend has every capability", () => {
  it.each(Object.keys(capabilityMethods) as Capability[])("%s", (capability) => {
    expect(supports(backend, capability)).toBe(true);
  });
});

describe("a damaged memory is reported", () => {
  it("a stored __proto__ is CORRUPT, and the error names the entry", async () => {
    await backend.append(ID, notes(0, 1));
    const entry = '{"t":"x","at":9999999999999999,"r":[{"__proto__":{"canary":1}}]}';
    await redis.command("RPUSH", redis.prefix + ID, entry);
    const error = await rejectionOf(backend.load(ID));
    expect(error).toMatchObject({ code: "CORRUPT", backend: "redis", memoryId: ID });
    expect(String(error)).toContain("entry 2");
    expect(String(error)).not.toContain("canary");
  });
});

describe("a key of another program", () => {
  it.each([
    ["a hash", ["HSET", "field", "value"]],
    ["a list", ["RPUSH", "element"]],
    ["a text", ["SET", "text"]],
  ])("is not renewed by touch: %s", async (_what, [command = "", ...args]) => {
    const key = redis.prefix + ID;
    await redis.command(command, key, ...args);
    for (const one of [backend, redis.open({ ttl: null })]) {
      await expect(one.touch(ID)).rejects.toMatchObject({ code: "CORRUPT", outcome: "not-applied" });
    }
    expect(await redis.command("TTL", key)).toBe(-1);
    await redis.command("EXPIRE", key, "1000");
    await expect(redis.open({ ttl: null }).touch(ID)).rejects.toMatchObject({ code: "CORRUPT" });
    expect(Number(await redis.command("TTL", key))).toBeGreaterThan(900);
  });
});

describe("a revision that no read returned", () => {
  it.each(["-", "*", "?-"])("is a CONFLICT, even if it is a word that the scripts use: %j", async (word) => {
    const conflict = { code: "CONFLICT", outcome: "not-applied" };
    await expect(backend.append(ID, notes(0, 1), { since: word })).rejects.toMatchObject(conflict);
    await expect(backend.append(ID, notes(0, 1), { expectedRevision: word })).rejects.toMatchObject(conflict);
    await expect(backend.save(ID, notes(0, 1), { expectedRevision: word })).rejects.toMatchObject(conflict);
    expect(await backend.load(ID)).toBeNull();
  });
});

describe("a call that waits for the server", () => {
  it("delays close() until it settles", async () => {
    await backend.ping();
    await redis.server.freeze();
    const append = backend.append(ID, notes(0, 1));
    const found = backend.close().then(() => redis.elements(ID));
    await redis.server.thaw();
    expect(await found).toHaveLength(2);
    expect(await append).toContain(".1.");
  });

  it("can be aborted", async () => {
    await backend.ping();
    const controller = new AbortController();
    const reason = new Error("the user left");
    await redis.server.freeze();
    try {
      const call = backend.read(ID, { signal: controller.signal });
      setImmediate(() => controller.abort(reason));
      await expect(call).rejects.toBe(reason);
    } finally {
      await redis.server.thaw();
    }
    expect(await backend.load(ID)).toBeNull();
  });
});

describe("facts about a memory", () => {
  it("include its size and times", async () => {
    const started = Date.now();
    await backend.append(ID, notes(0, 3));
    const first = await backend.info(ID);
    expect(first).toMatchObject({ records: 3 });
    expect(first?.createdAt).toBeGreaterThanOrEqual(started - 2);
    expect(first?.updatedAt).toBe(first?.createdAt);
    expect(first?.bytes).toBeGreaterThan((await redis.elements(ID)).join("").length);
    // The default TTL is a week.
    expect((first?.expiresAt ?? 0) - (first?.updatedAt ?? 0)).toBeGreaterThan(604_799_000 - 5_000);
    expect((first?.expiresAt ?? 0) - (first?.updatedAt ?? 0)).toBeLessThan(604_800_000 + 5_000);
    expect(await redis.open({ ttl: 0, prefix: `${redis.prefix}never:` }).append("x", notes(0, 1))).toContain(".1.");
    expect((await redis.open({ prefix: `${redis.prefix}never:` }).info("x"))?.expiresAt).toBeNull();
    await backend.save(ID, notes(0, 5));
    await backend.append(ID, notes(5, 2));
    const later = await backend.info(ID);
    expect(later).toMatchObject({ records: 7, createdAt: first?.createdAt });
    expect(later?.updatedAt).toBeGreaterThanOrEqual(first?.updatedAt ?? Number.NaN);
  });

  it("are complemented by the latency of a ping", async () => {
    const { latencyMs } = await backend.ping();
    expect(latencyMs).toBeGreaterThan(0);
  });
});
