import { Conversation, type Message } from "@deep-agent/core";
import { newId } from "@deep-agent/core/adapter";
import { type Action, type LossyProxy, startProxy } from "@deep-agent/test-redis";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type Note, notes, useServer } from "./support/backends.ts";
import { allOnce, count, Losses, retried, say, turn, turnsOf } from "./support/losses.ts";

/*
 * Replies that are lost, and requests that are lost or come late. The client cannot tell which of these happened. In
 * every case a turn is stored once, in its writer's order.
 */
const redis = useServer();

let proxy: LossyProxy;
beforeEach(async () => {
  proxy = await startProxy(redis.server);
});
afterEach(() => proxy[Symbol.asyncDispose]());

const WRITERS = 16;

describe("a turn is stored once, in its writer's order", () => {
  it.each<[string, Action[]]>([
    ["replies and requests dropped", ["dropReply", "dropRequest"]],
    ["requests that come late, too", ["dropReply", "dropRequest", "hold"]],
  ])("by conversations: %s", async (what, kinds) => {
    const losses = new Losses(kinds, 200);
    const backends = Array.from({ length: 4 }, () => redis.open<Message>({ addr: proxy.addr, timeoutMs: 10_000 }));
    const acknowledged: string[][] = Array.from({ length: WRITERS }, () => []);
    const writers = acknowledged.map((own, number) => async (): Promise<void> => {
      const backend = backends[number % backends.length];
      if (backend === undefined) throw new Error("There is a backend for each.");
      const conversation = new Conversation({ memoryId: "all", backend, maxMessages: 10 });
      for (let n = 0; (!losses.isDone || n < 5) && n < 500; n++) {
        const name = `w${number}-${n}`;
        await retried(() => conversation.sync());
        conversation.hold(turn(name));
        await retried(() => conversation.flush());
        own.push(name);
      }
    });
    // The first turn is stored before anything is lost: an attempt that is lost first takes half of the time.
    await backends[0]?.append("all", turn("first"));
    proxy.rule = losses.rule;
    await Promise.all(writers.map((write) => write()));
    proxy.rule = () => "pass";
    await proxy.release();

    const messages = (await redis.open<Message>().load("all")) ?? [];
    const counted = count([["first"], ...acknowledged], turnsOf(messages));
    say(what, counted, losses);
    expect(losses.isDone).toBe(true);
    expect(counted).toEqual(allOnce(counted.appended));
  });
});

describe("an operation is made once", () => {
  it.each<[string, (backend: ReturnType<typeof redis.open<Note>>) => Promise<unknown>, number]>([
    ["append since null", (one) => one.append("a", notes(0, 2), { since: null }), 2],
    ["append without a revision", (one) => one.append("a", notes(0, 2)), 2],
    ["append, no memory expected", (one) => one.append("a", notes(0, 2), { expectedRevision: null }), 2],
    ["save", (one) => one.save("a", notes(0, 2)), 2],
    ["save, no memory expected", (one) => one.save("a", notes(0, 2), { expectedRevision: null }), 2],
    ["save by name", (one) => one.save("a", notes(0, 2), { operationId: "s" }), 2],
    ["delete", (one) => one.delete("a"), 0],
  ])("%s, with a lost reply and with a lost request", async (_what, call, records) => {
    for (const action of ["dropReply", "dropRequest"] as const) {
      const one = redis.open({ addr: proxy.addr, timeoutMs: 2_400 });
      await redis.command("DEL", `${redis.prefix}a`);
      if (records === 0) await one.append("a", notes(5, 1));
      await one.ping();
      let lost = 0;
      const isWrite = (words: readonly string[]) => words[0]?.startsWith("EVAL") === true && words.length > 5;
      proxy.rule = (words) => (isWrite(words) && lost++ === 0 ? action : "pass");
      await call(one);
      proxy.rule = () => "pass";
      expect(lost).toBeGreaterThan(1);
      expect(await one.load("a")).toEqual(records === 0 ? null : notes(0, records));
    }
  });

  it("with sixteen appends at a time that name a revision", async () => {
    const losses = new Losses(["dropReply", "dropRequest", "hold"], 50);
    const one = redis.open({ addr: proxy.addr, timeoutMs: 10_000 });
    await one.append("a", notes(-1, 1));
    proxy.rule = losses.rule;
    const acknowledged: string[][] = Array.from({ length: WRITERS }, () => []);
    await Promise.all(
      acknowledged.map(async (own, writer) => {
        for (let n = 0; (!losses.isDone || n < 5) && n < 300; n++) {
          const since = (await one.read("a", { last: 1 }))?.revision ?? null;
          const record = { n: writer * 1_000 + n };
          await one.append("a", [record], { operationId: newId(), since });
          own.push(String(record.n));
        }
      }),
    );
    proxy.rule = () => "pass";
    await proxy.release();
    const present = ((await one.load("a")) ?? []).slice(1).map(({ n }) => String(n));
    const counted = count(acknowledged, present);
    say("appends", counted, losses);
    expect(losses.isDone).toBe(true);
    expect(counted).toEqual(allOnce(counted.appended));
  });
});
