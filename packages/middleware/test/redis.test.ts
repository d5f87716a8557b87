import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conformance } from "@deep-agent/conformance";
import { Agent, type ChatModel } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";
import { RedisBackend } from "@deep-agent/redis";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { withEncryption, withFallback } from "../src/index.ts";
import { KEY } from "./support/keys.ts";
import { type LogBackend, stacks } from "./support/stacks.ts";
import { rejectionOf } from "./support/stores.ts";

let server: RedisServer;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "deep-agent-middleware-"));
  server = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

/** Answers with the number of the question, which is the question's last word. */
const echo: ChatModel = {
  async *generate({ messages }) {
    const { content } = messages.at(-1) ?? {};
    yield { type: "text", text: `answer ${String(content).split(" ").at(-1)}` };
    yield { type: "finish" };
  },
};

describe("an encrypted memory on Redis", () => {
  it("shows no plaintext in the list, and notices records that were swapped between memories", async () => {
    await using redis = new RedisBackend({ addr: server.addr, prefix: "sealed:" });
    const backend = withEncryption(redis, { keys: { a: KEY }, current: "a" });
    for (const id of ["alice", "bob"]) {
      const ai = new Agent({ model: echo }).withLongMemory(id).usingBackend(backend);
      await ai.ask(`the secret of ${id} is 7`);
    }
    const lists: string[][] = [];
    for (const id of ["alice", "bob"])
      lists.push((await server.command("LRANGE", `sealed:${id}`, "0", "-1")) as string[]);
    expect(lists.flat().join("\n")).not.toMatch(/secret|answer|user|assistant|content/);
    expect((await backend.load("alice"))?.map(({ content }) => content)).toEqual([
      "the secret of alice is 7",
      "answer 7",
    ]);

    for (const [key, list] of [
      ["sealed:alice", lists[1]],
      ["sealed:bob", lists[0]],
    ] as const)
      await server.command("LSET", key, "1", list?.[1] ?? "");
    for (const id of ["alice", "bob"])
      expect(await rejectionOf(backend.load(id))).toMatchObject({ code: "DECRYPT", memoryId: id });
  });
});

describe("agents on Redis with a fallback to files", () => {
  it.each(["killed", "frozen"])(
    "are answered while the server is %s, and afterwards every turn is in Redis once",
    async (how) => {
      const prefix = `${how}:`;
      const redis = new RedisBackend({ addr: server.addr, prefix, timeoutMs: 300 });
      const backend = withFallback(redis, new FileBackend<object>(join(directory, how)), { probeMs: 50 });
      const ids = Array.from({ length: 8 }, (_, index) => `user-${index}`);
      const asked = new Map(ids.map((id) => [id, 0]));
      const failures: unknown[] = [];
      let answeredMeanwhile = 0;
      let isAway = false;
      let isOver = false;
      const chats = ids.map(async (id) => {
        const ai = new Agent({ model: echo }).withLongMemory(id).usingBackend(backend);
        for (let n = 0; !isOver; n++) {
          try {
            await ai.ask(`question ${n}`);
            if (isAway) answeredMeanwhile += 1;
          } catch (error) {
            failures.push(error);
          }
          asked.set(id, n + 1);
        }
      });

      await until(() => [...asked.values()].every((n) => n > 5));
      if (how === "killed") await server.kill();
      else await server.freeze();
      isAway = true;
      const before = new Map(asked);
      await until(() => ids.every((id) => (asked.get(id) ?? 0) > (before.get(id) ?? 0) + 20));
      const waiting = backend.status();
      isAway = false;
      if (how === "killed") await server.start();
      else await server.thaw();
      await until(() => backend.status().primary === "there" && backend.status().waiting.length === 0);
      const after = new Map(asked);
      await until(() => ids.every((id) => (asked.get(id) ?? 0) > (after.get(id) ?? 0) + 5));
      isOver = true;
      await Promise.all(chats);
      await backend.replay();

      expect(failures).toEqual([]);
      expect(waiting).toEqual({ primary: "away", waiting: expect.arrayContaining(ids), refused: [] });
      let turns = 0;
      for (const id of ids) {
        const contents = (await redis.load(id))?.map(({ content }) => content);
        const count = asked.get(id) ?? 0;
        expect(contents).toEqual(Array.from({ length: count }, (_, n) => [`question ${n}`, `answer ${n}`]).flat());
        turns += count;
      }
      console.log(
        `Redis ${how} under load: ${turns} turns of ${ids.length} agents, ${answeredMeanwhile} answered meanwhile, lost 0, doubled 0`,
      );
      await backend.close();
    },
  );
});

conformance(
  { describe, it },
  {
    name: "encryption over fallback over prefix, on Redis and files",
    open: () => stack(newPrefix()),
    reopen: () => stack(prefix),
    ttl: { open: (ttlMs) => stack(newPrefix(), ttlMs) },
  },
);

let prefix = "";
let stores = 0;

function newPrefix(): string {
  stores += 1;
  prefix = `store-${stores}:`;
  return prefix;
}

function stack(of: string, ttl?: number) {
  const redis = new RedisBackend<object>({ addr: server.addr, prefix: of, ttl: ttl ?? "7d" });
  const files = new FileBackend<object>({ directory: join(directory, of.replace(":", "")), durability: "os" });
  return stacks["encryption over fallback over prefix"]?.(redis, files) as LogBackend;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
