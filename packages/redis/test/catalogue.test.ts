import { supports } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { RedisBackend } from "../src/index.ts";
import { patternOf } from "../src/layout/memory-key.ts";
import { eventsDuring, type Note, notes, useServer } from "./support/backends.ts";

const redis = useServer();

const index = (): string => `@recent:${redis.prefix}`;
const members = async (): Promise<string[]> => (await redis.command("ZRANGE", index(), "0", "-1")) as string[];

type RecentOptions = Parameters<NonNullable<RedisBackend["recent"]>>[0];

function recent(one: RedisBackend<Note>, options: RecentOptions) {
  if (one.recent === undefined) throw new Error("There is no index.");
  return one.recent(options);
}

const idsOf = async (one: RedisBackend<Note>, options: RecentOptions): Promise<string[]> =>
  (await recent(one, options)).memories.map(({ memoryId }) => memoryId);

/** All pages; between them `meanwhile` happens. */
async function pages(one: RedisBackend<Note>, limit: number, meanwhile: (page: number) => Promise<unknown>) {
  const seen: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; ; page++) {
    const answer = await recent(one, { limit, ...(cursor !== undefined && { cursor }) });
    seen.push(...answer.memories.map(({ memoryId }) => memoryId));
    if (answer.cursor === null) return seen;
    expect(answer.memories).toHaveLength(limit);
    cursor = answer.cursor;
    await meanwhile(page);
  }
}

describe("the memories written last", () => {
  it("are paged through once each, while others write, delete and begin", async () => {
    const [backend, other] = [redis.open(), redis.open()];
    const ids = Array.from({ length: 60 }, (_, n) => `m${n}`);
    for (const id of ids) await backend.append(id, notes(0, 1));
    const seen = await pages(backend, 7, async (page) => {
      await other.append(`new${page}`, notes(0, 1));
      // Seen already, or not to be seen any more.
      await other.append("m59", notes(page + 1, 1));
      await other.delete(`m${page}`);
    });
    expect(new Set(seen).size).toBe(seen.length);
    const gone = ["m0", "m1", "m2", "m3", "m4", "m5", "m6"];
    expect(seen).toEqual(ids.filter((id) => !gone.includes(id)).reverse());
  });

  it("of the same microsecond, too, however many", async () => {
    const backend = redis.open();
    const ids = Array.from({ length: 100 }, (_, n) => `😀m${n}`);
    for (const id of ids) await backend.append(id, notes(0, 1));
    await redis.command("ZADD", index(), ...ids.flatMap((id) => ["1700000000000000", id]));
    for (const limit of [1, 9, 100]) {
      const seen = await pages(backend, limit, async () => undefined);
      expect(seen).toHaveLength(100);
      expect([...seen].sort()).toEqual([...ids].sort());
    }
  });

  it("are those that begin as is asked, by a literal prefix", async () => {
    const backend = redis.open();
    for (let n = 0; n < 40; n++) await backend.append(`${n % 4 === 0 ? "a*" : "ab"}:${n}`, notes(0, 1));
    const expected = [36, 32, 28, 24, 20, 16, 12, 8, 4, 0].map((n) => `a*:${n}`);
    expect(await idsOf(backend, { limit: 99, prefix: "a*" })).toEqual(expected);
    const first = await recent(backend, { limit: 4, prefix: "a*" });
    const second = await recent(backend, { limit: 6, prefix: "a*", cursor: first.cursor ?? "" });
    expect([...first.memories, ...second.memories].map(({ memoryId }) => memoryId)).toEqual(expected);
    expect(second.cursor).toBeNull();
  });

  it("have the times that their logs state", async () => {
    const backend = redis.open();
    await backend.append("a", notes(0, 1));
    const { memories } = await recent(backend, { limit: 1 });
    expect(memories).toEqual([{ memoryId: "a", updatedAt: (await backend.info("a"))?.updatedAt }]);
  });

  it("are those that are there: what has expired, was deleted or replaced by other programs leaves the index", async () => {
    const backend = redis.open();
    const ids = ["stays", "expired", "deleted", "string", "hash", "list", "also stays"];
    for (const id of ids) await backend.append(id, notes(0, 1));
    const key = (id: string): string => redis.prefix + id;
    await redis.command("PEXPIRE", key("expired"), "0");
    await redis.command("DEL", ...["deleted", "string", "hash", "list"].map(key));
    await redis.command("SET", key("string"), "mine");
    await redis.command("HSET", key("hash"), "mine", "1");
    await redis.command("RPUSH", key("list"), "mine");
    await redis.command("ZADD", index(), "9000000000000000", "never was");
    expect(await idsOf(backend, { limit: 1 })).toEqual(["also stays"]);
    expect(await idsOf(backend, { limit: 9 })).toEqual(["also stays", "stays"]);
    expect(await members()).toEqual(["stays", "also stays"]);
    // What belongs to others is theirs still.
    expect(await redis.command("GET", key("string"))).toBe("mine");
  });

  it("are found also where very many of the newest are gone", async () => {
    const backend = redis.open();
    await backend.append("here", notes(0, 1));
    const gone = Array.from({ length: 3_000 }, (_, n) => [`${8e15 + n}`, `gone${n}`]);
    await redis.command("ZADD", index(), ...gone.flat());
    expect(await idsOf(backend, { limit: 2 })).toEqual(["here"]);
    expect(await members()).toEqual(["here"]);
  });

  it("include what is made again while a reader finds it gone", async () => {
    const [reader, writer] = [redis.open(), redis.open()];
    await reader.append("other", notes(0, 1));
    for (let round = 0; round < 100; round++) {
      await writer.append("again", notes(0, 1));
      await redis.command("DEL", `${redis.prefix}again`);
      await Promise.all([reader.recent?.({ limit: 9 }), writer.append("again", notes(0, 1))]);
      expect(await members()).toContain("again");
      await writer.delete("again");
    }
  });

  it("are none where no index is kept", async () => {
    for (const options of [{ index: false }, { prefix: "" }, { prefix: "", index: true }]) {
      const backend = redis.open(options);
      expect(backend.recent).toBeUndefined();
      expect(supports(backend, "catalogue")).toBe(false);
      await backend.append("a", notes(0, 1));
      expect(await backend.list()).toContain("a");
      await backend.delete("a");
    }
    const backend = redis.open();
    expect(supports(backend, "catalogue")).toBe(true);
    expect(backend.recent).toBe(backend.recent);
    backend.withPrefix("");
    expect(supports(backend, "catalogue")).toBe(false);
  });

  it.each(["append", "save"] as const)(
    "do not make the index grow for ever by %s, though they expire where nobody looks",
    async (method) => {
      const backend = redis.open({ ttl: 1_000 });
      let largest = 0;
      for (let n = 0; n < 600; n++) {
        await backend[method](`m${n}`, notes(0, 1));
        await redis.command("PEXPIRE", `${redis.prefix}m${n}`, "0");
        if (n % 50 === 0) largest = Math.max(largest, (await members()).length);
      }
      expect(largest).toBeLessThan(60);
    },
  );

  it("are told, though the user may not put the index right, and that is told as well", async () => {
    const backend = redis.open();
    for (const id of ["a", "b"]) await backend.append(id, notes(0, 1));
    await redis.command("DEL", `${redis.prefix}b`);
    const rights = ["~*", "+@all", "-zrem"];
    await redis.command("ACL", "SETUSER", "reader", "reset", "on", ">secret", ...rights);
    const reader = redis.open({ username: "reader", password: "secret" });
    let ids: string[] = [];
    const events = await eventsDuring(async () => {
      ids = await idsOf(reader, { limit: 9 });
    });
    expect(ids).toEqual(["a"]);
    expect(events).toEqual([
      {
        type: "warning",
        backend: "redis",
        detail: expect.stringMatching(/^1 memories .*Cannot prune the index: .*user executing/),
      },
    ]);
    expect(await members()).toEqual(["a", "b"]);
  });
});

describe("the list of memories", () => {
  it("holds those of longer prefixes as well, but no index", async () => {
    const outer = redis.open();
    const inner = redis.open({ prefix: `${redis.prefix}inner:` });
    await outer.append("a", notes(0, 1));
    await inner.append("b", notes(0, 1));
    expect((await outer.list()).sort()).toEqual(["a", "inner:b"]);
    expect(await inner.list()).toEqual(["b"]);
    expect(await idsOf(outer, { limit: 9 })).toEqual(["a"]);
    expect(await idsOf(inner, { limit: 9 })).toEqual(["b"]);
  });

  it("goes on until the scan has seen everything", async () => {
    const backend = redis.open();
    const keys = Array.from({ length: 12_000 }, (_, n) => [`noise:${redis.prefix}${n}`, "x"]);
    await redis.command("MSET", ...keys.flat());
    for (let n = 0; n < 50; n++) await backend.append(`m${n}`, notes(0, 1));
    expect(new Set(await backend.list()).size).toBe(50);
    expect(await backend.list({ prefix: "m4" })).toHaveLength(11);
    await redis.command("FLUSHALL");
  });

  it("has no key that could not be a memory's", async () => {
    const backend = redis.open();
    await redis.command("RPUSH", redis.prefix, "x");
    await redis.command("RPUSH", `${redis.prefix}${"x".repeat(1025)}`, "x");
    await backend.append("x".repeat(1024), notes(0, 1));
    expect(await backend.list()).toEqual(["x".repeat(1024)]);
  });

  const piece = fc.constantFrom(
    ...["*", "?", "[", "]", "^", "-", "\\", "a", "b", "-z", "[a]", "{t}", " ", "\n", "\0", "😀", "é", ":", "\\*"],
  );
  const text = (maxLength: number): fc.Arbitrary<string> =>
    fc
      .oneof(
        fc.array(piece, { minLength: 1, maxLength }).map((pieces) => pieces.join("")),
        fc.string({ unit: "binary", minLength: 1, maxLength }),
      )
      .filter((id) => Buffer.byteLength(id) <= 1024);

  it("is exactly that of its prefix, whatever that and the ids are", async () => {
    expect.hasAssertions();
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(text(12), { minLength: 1, maxLength: 5 }),
        fc.uniqueArray(text(6), { minLength: 1, maxLength: 3 }),
        async (ids, prefixes) => {
          run += 1;
          const all = prefixes.map((prefix) => `r${run}:${prefix}\u{1}`);
          const backends = all.map((prefix) => redis.open<Note>({ prefix }));
          for (const [b, backend] of backends.entries()) {
            for (const [n, id] of ids.entries()) await backend.append(id, [{ n: b * 100 + n }]);
          }
          for (const [b, backend] of backends.entries()) {
            const prefix = all[b] ?? "";
            const expected = all.flatMap((other) =>
              other.startsWith(prefix) ? ids.map((id) => (other + id).slice(prefix.length)) : [],
            );
            expect((await backend.list()).sort()).toEqual([...new Set(expected)].sort());
            for (const [n, id] of ids.entries()) {
              expect(await backend.load(id)).toEqual([{ n: b * 100 + n }]);
              const own = ids.filter((other) => other.startsWith(id));
              expect((await idsOf(backend, { limit: 9, prefix: id })).sort()).toEqual(own.sort());
              expect((await backend.list({ prefix: id })).filter((one) => ids.includes(one)).sort()).toEqual(own);
            }
          }
          await Promise.all(backends.map((backend) => backend.close()));
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each(["app[1]:", "a*", "\\", "^x-", "a?", "[^a]", "[a-z]", "{tag}", "\\*", "a-b", "]", "-"])(
    "is that of the prefix %j, taken literally",
    async (beginning) => {
      const prefix = redis.prefix + beginning;
      const backend = redis.open({ prefix });
      for (const other of ["app1:", "ax", "/", "x-", "ab", "z", "m", "tag", "\\x"]) {
        if (other.startsWith(beginning)) continue;
        await redis.command("SET", `${redis.prefix}${other}k`, "not ours");
      }
      await backend.append("k", notes(0, 1));
      expect(await backend.list()).toEqual(["k"]);
      expect(patternOf(prefix).endsWith("*")).toBe(true);
    },
  );
});
