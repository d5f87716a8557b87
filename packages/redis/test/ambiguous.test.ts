import { assistant, Conversation, MemoryError, type Message, newId, user } from "@deep-agent/core";
import { type Action, type LossyProxy, startProxy } from "@deep-agent/test-redis";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type Note, notes, useServer } from "./support/backends.ts";

/*
 * Replies that the server sent and nobody got, and requests that it never got or got late: whoever waits cannot tell which. Whatever it
 * was, a turn is to be stored once, in its writer's order.
 */
const redis = useServer();

let proxy: LossyProxy;
beforeEach(async () => {
  proxy = await startProxy(redis.server);
});
afterEach(() => proxy[Symbol.asyncDispose]());

const WRITERS = 16;

/** Loses so many replies and requests of scripts, one of them every so often, until all are lost. */
class Losses {
  readonly lost: Record<Action, number> = { pass: 0, dropReply: 0, dropRequest: 0, hold: 0, swallow: 0 };
  readonly #kinds: readonly Action[];
  readonly #each: number;
  #scripts = 0;

  constructor(kinds: readonly Action[], each: number) {
    this.#kinds = kinds;
    this.#each = each;
  }

  get isDone(): boolean {
    return this.#kinds.every((kind) => this.lost[kind] >= this.#each);
  }

  readonly rule = ([name = ""]: readonly string[]): Action => {
    if (!name.startsWith("EVAL")) return "pass";
    this.#scripts += 1;
    if (this.#scripts % 3 !== 0) return "pass";
    const kind = this.#kinds[Math.floor(this.#scripts / 3) % this.#kinds.length] ?? "pass";
    const action =
      this.lost[kind] < this.#each ? kind : (this.#kinds.find((other) => this.lost[other] < this.#each) ?? "pass");
    this.lost[action] += 1;
    return action;
  };
}

interface Counted {
  appended: number;
  present: number;
  doubled: number;
  missing: number;
  outOfOrder: number;
}

/** Holds what was acknowledged, writer by writer, against what is there. */
function count(acknowledged: readonly (readonly string[])[], present: readonly string[]): Counted {
  const places = new Map(present.map((id, place) => [id, place]));
  const all = acknowledged.flat();
  const outOfOrder = acknowledged.flatMap((own) =>
    own.filter((id, place) => place > 0 && (places.get(id) ?? 0) < (places.get(own[place - 1] ?? "") ?? 0)),
  );
  return {
    appended: all.length,
    present: present.length,
    doubled: present.length - places.size,
    missing: all.filter((id) => !places.has(id)).length,
    outOfOrder: outOfOrder.length,
  };
}

function say(what: string, counted: Counted, { lost }: Losses): void {
  const counts = Object.entries({ ...counted, ...lost })
    .filter(([name, number]) => number > 0 || name in counted)
    .map(([name, number]) => `${name} ${number}`);
  process.stdout.write(`${what}: ${counts.join(", ")}\n`);
}

function turn(name: string): Message[] {
  return [user(`question of ${name}`, { id: `${name}.q` }), assistant(`answer to ${name}`, { id: `${name}.a` })];
}

/** The names of the turns in the order in which they stand, each checked to be whole. */
function turnsOf(messages: readonly Message[]): string[] {
  const names: string[] = [];
  for (let place = 0; place < messages.length; place += 2) {
    const name = messages[place]?.id.replace(".q", "") ?? "";
    expect([messages[place]?.id, messages[place + 1]?.id]).toEqual([`${name}.q`, `${name}.a`]);
    names.push(name);
  }
  return names;
}

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
    // The first is there before anything is lost: what is lost before costs half of the time that there is.
    await backends[0]?.append("all", turn("first"));
    proxy.rule = losses.rule;
    await Promise.all(writers.map((write) => write()));
    proxy.rule = () => "pass";
    await proxy.release();

    const messages = (await redis.open<Message>().load("all")) ?? [];
    const counted = count([["first"], ...acknowledged], turnsOf(messages));
    say(what, counted, losses);
    expect(losses.isDone).toBe(true);
    expect(counted).toEqual({
      appended: counted.appended,
      present: counted.appended,
      doubled: 0,
      missing: 0,
      outOfOrder: 0,
    });
  });

  /** As an application does it: once more, where the error says that this can help. */
  async function retried(call: () => Promise<unknown>): Promise<void> {
    for (let tries = 0; ; tries++) {
      try {
        await call();
        return;
      } catch (error) {
        if (!MemoryError.is(error) || !error.retryable || tries === 20) throw error;
      }
    }
  }
});

describe("an operation is made once", () => {
  it.each<[string, (backend: ReturnType<typeof redis.open<Note>>) => Promise<unknown>, number]>([
    ["append to no memory", (one) => one.append("a", notes(0, 2), { since: null }), 2],
    ["append to whatever there is", (one) => one.append("a", notes(0, 2)), 2],
    ["append at no revision", (one) => one.append("a", notes(0, 2), { expectedRevision: null }), 2],
    ["save", (one) => one.save("a", notes(0, 2)), 2],
    ["save where there is none", (one) => one.save("a", notes(0, 2), { expectedRevision: null }), 2],
    ["save by name", (one) => one.save("a", notes(0, 2), { operationId: "s" }), 2],
    ["delete", (one) => one.delete("a"), 0],
  ])("%s, whichever way it was lost", async (_what, call, records) => {
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

  it("also by appends that know the log, sixteen at a time", async () => {
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
    expect(counted).toEqual({
      appended: counted.appended,
      present: counted.appended,
      doubled: 0,
      missing: 0,
      outOfOrder: 0,
    });
  });
});
