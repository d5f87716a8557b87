import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { Agent, type ChatModel, MemoryError, type ModelEvent } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { Keyv } from "keyv";
import { KeyvBackend } from "../src/index.ts";
import { FaultyStore, type How, type Method, type Note, notes, until } from "./support/stores.ts";

const ID = "alice";

interface Setting {
  store: FaultyStore;
  keyv: Keyv;
  backend: KeyvBackend<Note>;
}

/** A backend with two memories in it. */
async function setting(isListening = true): Promise<Setting> {
  const store = new FaultyStore();
  const keyv = new Keyv({ store });
  if (isListening) keyv.on("error", () => {});
  const backend = new KeyvBackend<Note>(keyv);
  await backend.save(ID, notes(0, 3));
  await backend.save("bob", notes(5, 1));
  return { store, keyv, backend };
}

const calls: [string, Method, "not-applied" | "unknown", (backend: KeyvBackend<Note>) => Promise<unknown>][] = [
  ["load", "get", "not-applied", (backend) => backend.load(ID)],
  ["save", "set", "unknown", (backend) => backend.save(ID, notes(9, 1))],
  ["delete", "delete", "unknown", (backend) => backend.delete(ID)],
  ["list", "iterator", "not-applied", (backend) => backend.list()],
];

const hows: [How, string, boolean][] = [
  ["throws", "with a listener on the Keyv", true],
  ["throws", "without a listener on the Keyv", false],
  ["reports", "with a listener on the Keyv", true],
  ["reports", "without a listener on the Keyv", false],
];

describe("a failed call is never taken for one that found nothing", () => {
  describe.each(hows)("if the store %s its failure, %s", (how, _listener, isListening) => {
    it.each(calls)("%s", async (_name, method, outcome, call) => {
      const { store, keyv, backend } = await setting(isListening);
      store.fail(method, how);
      await expect(call(backend)).rejects.toMatchObject({
        name: "MemoryError",
        code: "UNAVAILABLE",
        outcome,
        retryable: true,
        backend: "keyv",
        cause: { message: "the disk is on fire" },
      });
      store.heal();
      expect(await backend.load(ID)).toEqual(notes(0, 3));
      expect((await backend.list()).sort()).toEqual(["alice", "bob"]);
      expect(keyv.listenerCount("error")).toBe(isListening ? 1 : 0);
    });
  });

  it("also in a Keyv of the backend's own", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(store);
    await backend.save(ID, notes(0, 3));
    await backend.save("bob", notes(5, 1));
    for (const [, method, outcome, call] of calls) {
      store.fail(method, "reports");
      await expect(call(backend)).rejects.toMatchObject({ code: "UNAVAILABLE", outcome });
      store.heal();
    }
  });

  it("nor is a write that the store refused without an error", async () => {
    const { store, backend } = await setting();
    store.fail("set", "is silent");
    await expect(backend.save(ID, notes(9, 1))).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
  });

  it("nor is a write that Keyv calls successful although an older store reported that it failed", async () => {
    const store = new OlderStore();
    const backend = new KeyvBackend<Note>(store);
    await backend.save(ID, notes(0, 1));
    store.isAway = true;
    await expect(backend.save(ID, notes(1, 1))).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
    await expect(backend.load(ID)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await expect(backend.delete(ID)).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
    store.isAway = false;
    expect(await backend.load(ID)).toEqual(notes(0, 1));
  });

  it("so an agent refuses to answer, and forgets nothing", async () => {
    const { store, keyv } = await setting();
    const backend = new KeyvBackend(keyv);
    const agent = (): Agent => new Agent({ model: new Echo(), longMemory: "carol", backend });
    await agent().ask("My name is Carol.");
    store.fail("get", "reports");
    const later = agent();
    await expect(later.ask("Who am I?")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    store.heal();
    await later.ask("Who am I?");
    const said = (await backend.load("carol"))?.map(({ content }) => content);
    expect(said).toEqual(["My name is Carol.", "Heard.", "Who am I?", "Heard."]);
  });
});

describe("a failure rejects the call that it belongs to", () => {
  it("and no other write that was in flight", async () => {
    const { store, backend } = await setting();
    store.fail("set", "reports", new Error("too large"), (key) => key === "deep-agent.alice");
    const open = store.hold("set");
    const outcomes = Promise.allSettled([backend.save(ID, notes(1, 1)), backend.save("bob", notes(2, 1))]);
    open();
    expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(await backend.load("bob")).toEqual(notes(2, 1));
  });

  it("or, if that is unknown, all calls that may have failed, but not a read that found a value", async () => {
    const { store, backend } = await setting();
    const open = (["get", "set", "delete"] as const).map((method) => store.hold(method));
    const before = store.calls.length;
    const outcomes = Promise.allSettled([
      backend.load(ID),
      backend.load("absent"),
      backend.save(ID, notes(1, 1)),
      backend.delete("absent"),
    ]);
    await until(() => store.calls.length === before + 4);
    store.emit("error", new Error("the connection was lost"));
    for (const go of open) go();
    // The read that found nothing has read again, and no error was reported this time.
    expect((await outcomes).map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "rejected"]);
  });

  it("and a read that finds nothing while an error is reported rejects", async () => {
    const { store, backend } = await setting();
    const reads: (() => void)[] = [];
    const get = store.get.bind(store);
    store.get = async (key) => {
      const value = await get(key);
      await new Promise<void>((resolve) => reads.push(resolve));
      return value;
    };
    const outcome = Promise.allSettled([backend.load("absent")]);
    for (let round = 0; round < 2; round++) {
      await until(() => reads.length > round);
      store.emit("error", new Error("the connection was lost"));
      reads[round]?.();
    }
    expect(await outcome).toMatchObject([{ status: "rejected", reason: { code: "UNAVAILABLE" } }]);
  });
});

describe("for other users of the Keyv nothing changes", () => {
  it("without a listener, it throws as before, also while the backend listens", async () => {
    const { store, keyv, backend } = await setting(false);
    const open = store.hold("set");
    const save = backend.save(ID, notes(1, 1));
    await until(() => keyv.listenerCount("error") === 1);
    store.fail("get", "throws");
    await expect(keyv.get("mine")).rejects.toThrow("the disk is on fire");
    store.heal();
    open();
    // It is unknown whether the write failed.
    await expect(save).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
    expect(keyv.listenerCount("error")).toBe(0);
  });

  it("with a listener, the listener gets the errors of the backend's calls", async () => {
    const { store, keyv, backend } = await setting();
    const heard: unknown[] = [];
    keyv.on("error", (error) => heard.push(error));
    store.fail("get", "throws");
    await expect(backend.load(ID)).rejects.toThrow();
    expect(heard.map(String)).toContain("Error: the disk is on fire");
  });

  it("a read that a hook of the Keyv forbids is not made without the hook", async () => {
    const { keyv, backend } = await setting(false);
    keyv.onHook({
      event: "before:get",
      handler: () => {
        throw new Error("not yours");
      },
    });
    await expect(backend.load(ID)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  it("two backends on it do not hide failures from each other", async () => {
    const { store, keyv, backend } = await setting(false);
    const other = new KeyvBackend<Note>(keyv);
    store.fail("get", "reports");
    const results = await Promise.allSettled([backend.load(ID), other.load(ID), keyv.get("mine")]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  });
});

describe("an error between two calls does not end the process", () => {
  it("if the backend was given a store: the error is a warning on the backend channel", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(store);
    await backend.save(ID, notes(0, 1));
    const events: unknown[] = [];
    const listener = (event: unknown): void => void events.push(event);
    subscribe("deep-agent:backend", listener);
    store.emit("error", Object.assign(new Error('the host said "hello"'), { code: "ECONNRESET" }));
    store.emit("error", new Error('the host said "hello"'));
    unsubscribe("deep-agent:backend", listener);
    const detail = "the store reported an error:";
    expect(events).toEqual([
      { type: "warning", backend: "keyv", detail: `${detail} ECONNRESET` },
      { type: "warning", backend: "keyv", detail: `${detail} the host said` },
    ]);
    expect(await backend.load(ID)).toEqual(notes(0, 1));
  });
});

describe("an error says what failed, and quotes neither records nor passwords", () => {
  const TEXT = "canary of what was said";
  const record: Note = { n: 1, text: TEXT };

  it.each<[string, (value: unknown) => unknown]>([
    ["the value that was to be stored", (value) => new Error(`cannot store ${value}`)],
    ["a part of the value in single quotation marks", () => new Error(`syntax error near '${TEXT}'`)],
    ["a part of the value in double quotation marks", () => new Error(`syntax error near "${TEXT}"`)],
    ["the arguments of a command", (value) => new Error(`ERR unknown command 'SET', with args: 'k' '${value}'`)],
    ["the value as a property", (value) => Object.assign(new Error("refused"), { sql: value, args: [value] })],
    ["the value in place of an error", (value) => ({ value })],
  ])("where the store's own error holds %s", async (_what, error) => {
    const { store, backend } = await setting();
    store.fail("set", "throws", error);
    const failure = await rejectionOf(backend.save(ID, [record]));
    expect(MemoryError.is(failure, "UNAVAILABLE")).toBe(true);
    expect(shown(failure)).not.toContain("canary");
  });

  it("if the store's error holds a password", async () => {
    const { store, backend } = await setting();
    store.fail("get", "reports", new Error("cannot reach db://user:pa55@word@host:5432/x, user's quota is used up"));
    const failure = await rejectionOf(backend.load(ID));
    expect(shown(failure)).not.toContain("pa55");
    expect(failure).toMatchObject({ cause: { message: "cannot reach db://***@host:5432/x, user's quota is used up" } });
  });

  it("and names the memory, the code of the store's error, and what to do", async () => {
    const { store, backend } = await setting();
    store.fail("get", "throws", Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
    await expect(backend.load(ID)).rejects.toMatchObject({
      message: expect.stringMatching(/^Cannot read memory "alice": the store failed \(ECONNREFUSED\)\. See the cause/),
      memoryId: ID,
      hint: expect.any(String),
      cause: { code: "ECONNREFUSED" },
    });
  });
});

/**
 * A store as those for Keyv 5 are: with promises and a relative TTL. It reports failures, and answers as if it had
 * none.
 */
class OlderStore {
  isAway = false;
  readonly #rows = new Map<string, unknown>();
  #listener: ((error: unknown) => void) | undefined;

  on(_event: string, listener: (error: unknown) => void): void {
    this.#listener = listener;
  }

  async get(key: string): Promise<unknown> {
    return this.#away() ? undefined : this.#rows.get(key);
  }

  async set(key: string, value: unknown): Promise<void> {
    if (!this.#away()) this.#rows.set(key, value);
  }

  async delete(key: string): Promise<boolean> {
    return !this.#away() && this.#rows.delete(key);
  }

  async clear(): Promise<void> {
    this.#rows.clear();
  }

  #away(): boolean {
    if (this.isAway) this.#listener?.(new Error("away"));
    return this.isAway;
  }
}

class Echo implements ChatModel {
  async *generate(): AsyncGenerator<ModelEvent> {
    yield { type: "text", text: "Heard." };
    yield { type: "finish" };
  }
}

async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It did not reject.");
}

/** Everything that a log line could show of an error. */
function shown(error: unknown): string {
  return `${inspect(error, { depth: 20, showHidden: true, maxStringLength: null })}\n${JSON.stringify(error)}`;
}
