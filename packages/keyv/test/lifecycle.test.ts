import { Conversation, MemoryError, supports, user } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { Keyv } from "keyv";
import { KeyvBackend } from "../src/index.ts";
import { FaultyStore, type Note, notes, until } from "./support/stores.ts";

describe("it declares what it can do", () => {
  it("the four methods and lifecycle", () => {
    const backend = new KeyvBackend(new Map());
    expect(supports(backend, "lifecycle")).toBe(true);
    for (const capability of ["log", "health", "info", "catalogue", "expiry"] as const) {
      expect(supports(backend, capability)).toBe(false);
    }
  });
});

describe("close closes nothing that the backend was given", () => {
  it.each<[string, (store: FaultyStore) => ConstructorParameters<typeof KeyvBackend>[0]]>([
    ["a store", (store) => store],
    ["a store in options", (store) => ({ store, namespace: "memories" })],
    ["a Keyv", (store) => new Keyv({ store })],
    ["a Keyv in options", (store) => ({ keyv: new Keyv({ store }) })],
  ])("%s stays open", async (_what, given) => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(given(store));
    const next = new KeyvBackend<Note>(given(store));
    await backend.save("m", notes(0, 1));
    await backend.close();
    await backend[Symbol.asyncDispose]();
    expect(store.disconnected).toBe(false);
    await expect(backend.load("m")).rejects.toMatchObject({
      code: "CLOSED",
      backend: "keyv",
      hint: expect.any(String),
    });
    expect(await next.load("m")).toEqual(notes(0, 1));
  });

  it("and waits for the calls in flight, including those that their callers aborted", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(store);
    const open = store.hold("set");
    const controller = new AbortController();
    const aborted = backend.save("m", notes(0, 1), { signal: controller.signal });
    const waiting = backend.save("m", notes(1, 1));
    const failing = backend.save("n", notes(2, 1));
    await until(() => store.calls.length === 2);
    controller.abort();
    await expect(aborted).rejects.toThrow(controller.signal.reason as Error);
    store.fail("set", "throws", new Error("no"), (key) => key.endsWith("n"));
    let isClosed = false;
    const closed = backend.close().then(() => {
      isClosed = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    open();
    await waiting;
    await expect(failing).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await closed;
    expect(store.rows.get("deep-agent.m")?.value).toContain("1");
  });
});

describe("an abort ends the wait, and leaves nothing half done", () => {
  it.each<[string, "get" | "set" | "delete", (backend: KeyvBackend<Note>, signal: AbortSignal) => Promise<unknown>]>([
    ["load", "get", (backend, signal) => backend.load("m", { signal })],
    ["save", "set", (backend, signal) => backend.save("m", notes(1, 1), { signal })],
    ["delete", "delete", (backend, signal) => backend.delete("m", { signal })],
    ["list", "get", (backend, signal) => backend.list({ signal })],
  ])("of a %s that the store does not answer", async (_name, method, call) => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(store);
    await backend.save("m", notes(0, 1));
    // Without a value, so that `list` has to read the value, too.
    store.iterator = async function* () {
      yield ["deep-agent.m", undefined];
    };
    const open = store.hold(method);
    const controller = new AbortController();
    const calls = store.calls.length;
    const pending = call(backend, controller.signal);
    await until(() => store.calls.length > calls);
    const reason = new Error("the user left");
    controller.abort(reason);
    await expect(pending).rejects.toBe(reason);
    open();
    await backend.close();
  });

  it("and a later write waits for an aborted one, so that the later one stays", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(store);
    const open = store.hold("set");
    const controller = new AbortController();
    const aborted = backend.save("m", notes(0, 1), { signal: controller.signal });
    await until(() => store.calls.length === 1);
    controller.abort();
    await expect(aborted).rejects.toThrow();
    const later = backend.save("m", notes(1, 1));
    const other = backend.save("n", notes(2, 1));
    await until(() => store.calls.length === 2);
    expect(store.calls).toEqual(["set deep-agent.m", "set deep-agent.n"]);
    open();
    await Promise.all([later, other]);
    expect(await backend.load("m")).toEqual(notes(1, 1));
  });

  it("a write that still waits for another is not made", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(store);
    const open = store.hold("set");
    const first = backend.save("m", notes(0, 1));
    const controller = new AbortController();
    const second = backend.save("m", notes(1, 1), { signal: controller.signal });
    controller.abort();
    await expect(second).rejects.toThrow();
    open();
    await first;
    await backend.close();
    expect(store.calls).toEqual(["set deep-agent.m"]);
  });

  it("an aborted list reads no further", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(store);
    for (let n = 0; n < 10; n++) await backend.save(`m${n}`, []);
    let seen = 0;
    const controller = new AbortController();
    const iterator = store.iterator.bind(store);
    store.iterator = async function* () {
      for await (const row of iterator()) {
        seen += 1;
        if (seen === 3) controller.abort();
        yield row;
      }
    };
    await expect(backend.list({ signal: controller.signal })).rejects.toMatchObject({ name: "AbortError" });
    await backend.close();
    expect(seen).toBe(3);
  });
});

describe("core remembers on it, without a log", () => {
  it("two conversations of one process lose none of each other's turns", async () => {
    const backend = new KeyvBackend(new Map());
    await Promise.all(
      ["a", "b"].map(async (name) => {
        const conversation = new Conversation({ memoryId: "shared", backend });
        for (let turn = 0; turn < 5; turn++) await conversation.commit([user(`${name}${turn}`)]);
      }),
    );
    expect(await backend.load("shared")).toHaveLength(10);
  });

  it("a turn is pending while the store is unavailable, and stored once when it is back", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend(store);
    const conversation = new Conversation({ memoryId: "m", backend });
    store.fail("set", "reports");
    const error: unknown = await conversation.commit([user("hello")]).catch((reason: unknown) => reason);
    expect(MemoryError.is(error)).toBe(true);
    store.heal();
    await conversation.flush();
    await conversation.flush();
    expect((await backend.load("m"))?.map(({ content }) => content)).toEqual(["hello"]);
  });
});

it("no rejection is aborted unhandled", async () => {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", listener);
  const store = new FaultyStore();
  const backend = new KeyvBackend<Note>(store);
  store.fail("set", "throws");
  const open = store.hold("set");
  const controller = new AbortController();
  const aborted = backend.save("m", notes(0, 1), { signal: controller.signal });
  controller.abort();
  await expect(aborted).rejects.toThrow();
  open();
  await backend.close();
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", listener);
  expect(unhandled).toEqual([]);
});
