import type { MemoryError } from "@deep-agent/core";
import { beforeEach, describe, expect, it } from "@jest/globals";
import { type Note, notes, rejectionOf, useServer } from "./support/backends.ts";

/*
 * The least rights that a user of the server needs, as docs/redis.md lists them, and what happens without one of them.
 * The server does not roll back a script that is refused a command halfway, so the script has to undo its work itself.
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

/** The content of the server for this test. */
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

/** Restores the content that every attempt begins with. */
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
  "append at the newest revision": async (ttl: string | null) => {
    const since = (await redis.open().read("old", { last: 1 }))?.revision ?? null;
    return as("less", ttl, null).append("old", notes(9, 3), { since });
  },
  "save a new memory": (ttl: string | null) => as("less", ttl).save("new", notes(0, 3)),
  "save a memory": (ttl: string | null) => as("less", ttl).save("old", notes(9, 2)),
  "delete a memory": (ttl: string | null) => as("less", ttl).delete("old"),
  "convert a value of go-deep-agent": (ttl: string | null) => as("less", ttl).append("go", notes(0, 1)),
};

describe("a user with the least rights on the server", () => {
  beforeEach(async () => {
    await allow("least", commands);
    await reset();
  });

  it("can do everything with its keys, and nothing with others", async () => {
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
        // The second time is for memories without a TTL.
        const ttl = missing === "persist" && refused > 0 ? null : "1h";
        await allow(
          "less",
          commands.filter((command) => command !== missing),
        );
        const before = await content();
        try {
          await writes[name](ttl);
          // The write does not need this command.
          await reset();
        } catch (error) {
          refused += 1;
          expect({ missing, error }).toMatchObject({ missing, error: { code: "UNAUTHORIZED", retryable: false } });
          const { outcome } = error as MemoryError;
          const after = await content();
          // The memory is deleted, but still in the index. The next reader of the index removes it.
          const applied = name === "delete a memory" && missing === "zrem";
          expect({ missing, outcome }).toEqual({ missing, outcome: applied ? "applied" : "not-applied" });
          const expected = applied ? { ...before, old: [], oldExpires: -2 } : before;
          // The conversion before the append is a separate write that may succeed. Reads return the same after it.
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

  it("an append at the newest revision changes nothing if two rights are missing", async () => {
    for (const missing of ["lset", "rpush", "pexpire", "zadd"]) {
      await allow(
        "less",
        commands.filter((command) => command !== missing && command !== "ltrim"),
      );
      const before = await content();
      expect(await rejectionOf(writes["append at the newest revision"]("1h"))).toMatchObject({
        code: "UNAUTHORIZED",
        outcome: "not-applied",
      });
      expect({ missing, after: await content() }).toEqual({ missing, after: before });
    }
  });
});
