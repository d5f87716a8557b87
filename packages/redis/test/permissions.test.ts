import type { MemoryError } from "@deep-agent/core";
import { beforeEach, describe, expect, it } from "@jest/globals";
import { type Note, notes, rejectionOf, useServer } from "./support/backends.ts";

/*
 * The least that a user of the server needs, as docs/redis.md lists it, and what happens without one part of it: a script that is refused a
 * command halfway is not rolled back by the server, so that it has to see to that itself.
 */
const commands = [
  ...["eval", "evalsha", "time", "type", "ping", "scan"],
  ...["lindex", "llen", "lrange", "lset", "ltrim", "rpush", "get", "unlink"],
  ...["pexpire", "persist", "pttl", "memory|usage", "zadd", "zrem", "zrange", "zrandmember", "zscore"],
];

const redis = useServer();
const goValue = '[{"Role":"user","Content":"hi","ToolCalls":null,"ToolCallID":""}]';

async function allow(user: string, allowed: readonly string[]): Promise<void> {
  const keys = [`~${redis.prefix}*`, `~@recent:${redis.prefix}`];
  await redis.command("ACL", "SETUSER", user, "reset", "on", ">secret", ...keys, ...allowed.map((name) => `+${name}`));
}

/** What the server holds for this test. */
async function content() {
  const command = (name: string, memoryId: string) => redis.command(name, redis.prefix + memoryId);
  return {
    old: await redis.elements("old"),
    new: await redis.elements("new"),
    go: await redis.open().load("go"),
    oldExpires: await command("PEXPIRETIME", "old"),
    goExpires: await command("PEXPIRETIME", "go"),
    goType: await command("TYPE", "go"),
    recent: await redis.command("ZRANGE", `@recent:${redis.prefix}`, "0", "-1", "WITHSCORES"),
  };
}

/** Makes everything as it is before each try. */
async function reset(): Promise<void> {
  await redis.command("DEL", `${redis.prefix}new`, `${redis.prefix}old`, `@recent:${redis.prefix}`);
  await redis.command("SET", `${redis.prefix}go`, goValue);
  const backend = redis.open({ maxRecords: 4 });
  await backend.append("old", notes(0, 2));
  await backend.append("old", notes(2, 2));
  await backend.close();
}

const as = (username: string, ttl: string | null = "1h", maxRecords: number | null = 4) =>
  redis.open({ username, password: "secret", ttl, maxRecords });

const writes = {
  "append to a new memory": (ttl: string | null) => as("less", ttl).append("new", notes(0, 1)),
  "append to a memory": (ttl: string | null) => as("less", ttl).append("old", notes(9, 3)),
  "append behind what was seen last": async (ttl: string | null) => {
    const since = (await redis.open().read("old", { last: 1 }))?.revision ?? null;
    return as("less", ttl, null).append("old", notes(9, 3), { since });
  },
  "save a new memory": (ttl: string | null) => as("less", ttl).save("new", notes(0, 3)),
  "save a memory": (ttl: string | null) => as("less", ttl).save("old", notes(9, 2)),
  "delete a memory": (ttl: string | null) => as("less", ttl).delete("old"),
  "convert a value of go-deep-agent": (ttl: string | null) => as("less", ttl).append("go", notes(0, 1)),
};

describe("a user of the server who has the least", () => {
  beforeEach(async () => {
    await allow("least", commands);
    await reset();
  });

  it("can do everything, and nothing beside these keys", async () => {
    for (const ttl of ["1h", null]) {
      const backend = as("least", ttl);
      await backend.append("new", notes(0, 3));
      await backend.append("new", notes(3, 3));
      await backend.append("go", [{ n: 1 } as Note]);
      await backend.save("new", notes(0, 3));
      await backend.touch("new");
      await backend.ping();
      expect(await backend.load("new")).toEqual(notes(0, 3));
      expect((await backend.read("old", { last: 1 }))?.records).toEqual(notes(2, 2));
      expect((await backend.info("old"))?.records).toBe(4);
      expect((await backend.list()).sort()).toEqual(["go", "new", "old"]);
      await redis.command("DEL", `${redis.prefix}go`);
      const page = await backend.recent?.({ limit: 9 });
      expect(page?.memories.map(({ memoryId }) => memoryId)).toEqual(["new", "old"]);
      await backend.delete("new");
      const elsewhere = redis.open<Note>({ username: "least", password: "secret", prefix: "elsewhere:" });
      for (const call of [() => elsewhere.load("a"), () => elsewhere.append("a", notes(0, 1))]) {
        expect(await rejectionOf(call())).toMatchObject({ code: "UNAUTHORIZED", outcome: "not-applied" });
      }
      await redis.command("SET", `${redis.prefix}go`, goValue);
    }
  });

  it.each(Object.keys(writes) as (keyof typeof writes)[])(
    "%s: without any one of them, nothing has happened",
    async (name) => {
      let refused = 0;
      for (const missing of [...commands, "persist"]) {
        // The second time, for memories that live for ever.
        const ttl = missing === "persist" && refused > 0 ? null : "1h";
        await allow(
          "less",
          commands.filter((command) => command !== missing),
        );
        const before = await content();
        try {
          await writes[name](ttl);
          // It was not needed.
          await reset();
        } catch (error) {
          refused += 1;
          expect({ missing, error }).toMatchObject({ missing, error: { code: "UNAUTHORIZED", retryable: false } });
          const { outcome } = error as MemoryError;
          const after = await content();
          // Deleted, but still in the index: who reads that looks, and puts it right.
          const applied = name === "delete a memory" && missing === "zrem";
          expect({ missing, outcome }).toEqual({ missing, outcome: applied ? "applied" : "not-applied" });
          const expected = applied ? { ...before, old: [], oldExpires: -2 } : before;
          // The conversion before the append is a write of its own, and may be allowed: what one reads is the same.
          const converted = { goType: "list", goExpires: expect.any(Number), recent: expect.anything() };
          expect({ missing, after }).toEqual({
            missing,
            after: after.goType === "list" ? { ...expected, ...converted } : expected,
          });
          if (applied || after.goType !== before.goType) await reset();
        }
      }
      expect(refused).toBeGreaterThanOrEqual(4);
    },
  );

  it("behind what was seen last, nothing has happened without two of them either", async () => {
    for (const missing of ["lset", "rpush", "pexpire", "zadd"]) {
      await allow(
        "less",
        commands.filter((command) => command !== missing && command !== "ltrim"),
      );
      const before = await content();
      expect(await rejectionOf(writes["append behind what was seen last"]("1h"))).toMatchObject({
        code: "UNAUTHORIZED",
        outcome: "not-applied",
      });
      expect({ missing, after: await content() }).toEqual({ missing, after: before });
    }
  });
});
