import { type Capability, supports } from "@deep-agent/core";
import { capabilityMethods } from "@deep-agent/core/adapter";
import { describe, expect, it } from "@jest/globals";
import { InMemoryBackend } from "../src/index.ts";
import { type Note, notes } from "./support/backends.ts";

const ID = "user-alice";

/** Every method with valid arguments. */
const calls: [string, (backend: InMemoryBackend<Note>, options?: { signal: AbortSignal }) => Promise<unknown>][] = [
  ["load", (backend, options) => backend.load(ID, options)],
  ["save", (backend, options) => backend.save(ID, notes(0, 1), options)],
  ["delete", (backend, options) => backend.delete(ID, options)],
  ["list", (backend, options) => backend.list(options)],
  ["append", (backend, options) => backend.append(ID, notes(0, 1), options)],
  ["read", (backend, options) => backend.read(ID, options)],
  ["ping", (backend, options) => backend.ping(options)],
  ["info", (backend, options) => backend.info(ID, options)],
  ["recent", (backend, options) => backend.recent({ limit: 1, ...options })],
  ["touch", (backend, options) => backend.touch(ID, options)],
];

describe("it has every capability", () => {
  it.each(Object.keys(capabilityMethods) as Capability[])("%s", (capability) => {
    expect(supports(new InMemoryBackend(), capability)).toBe(true);
  });
});

describe("a closed backend refuses every call", () => {
  it.each(calls)("%s", async (_method, call) => {
    const backend = new InMemoryBackend<Note>();
    await backend.append(ID, notes(0, 1));
    await backend.close();
    await backend.close();
    await expect(call(backend)).rejects.toMatchObject({ code: "CLOSED", outcome: "not-applied", backend: "in-memory" });
  });

  it("even if it was never used", async () => {
    const backend = new InMemoryBackend<Note>();
    await backend.close();
    await expect(backend.list()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("closed by `await using`", async () => {
    let disposed: InMemoryBackend<Note>;
    {
      await using backend = new InMemoryBackend<Note>();
      await backend.ping();
      disposed = backend;
    }
    await expect(disposed.ping()).rejects.toMatchObject({ code: "CLOSED" });
  });
});

describe("an aborted call rejects with the signal's reason and writes nothing", () => {
  it.each(calls)("%s", async (_method, call) => {
    const backend = new InMemoryBackend<Note>();
    await backend.append(ID, notes(7, 1));
    const reason = new Error("the user left");
    await expect(call(backend, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await backend.load(ID)).toEqual(notes(7, 1));
  });
});

describe("calls take effect in the order they are made", () => {
  it("whether they are awaited or not", async () => {
    const backend = new InMemoryBackend<Note>();
    const writes = notes(0, 50).map((note) => backend.append(ID, [note]));
    const between = backend.load(ID);
    writes.push(backend.append(ID, notes(50, 1)));
    await Promise.all(writes);
    expect(await between).toEqual(notes(0, 50));
    expect(await backend.load(ID)).toEqual(notes(0, 51));
  });

  it("and if thirty-two writers retry on conflict, every turn is kept once", async () => {
    const backend = new InMemoryBackend<Note>();
    const writer = async (number: number): Promise<void> => {
      for (let turn = 0; turn < 10; turn++) {
        for (let done = false; !done; ) {
          const expectedRevision = (await backend.read(ID, { last: 1 }))?.revision ?? null;
          const write = backend.append(ID, [{ n: number * 100 + turn }], { expectedRevision });
          done = await write.then(
            () => true,
            (error: { code?: string }) => {
              if (error.code !== "CONFLICT") throw error;
              return false;
            },
          );
        }
      }
    };
    await Promise.all(Array.from({ length: 32 }, (_, number) => writer(number)));
    const kept = (await backend.load(ID))?.map(({ n }) => n) ?? [];
    expect(kept).toHaveLength(320);
    for (let number = 0; number < 32; number++) {
      expect(kept.filter((n) => Math.floor(n / 100) === number)).toEqual(
        Array.from({ length: 10 }, (_, turn) => number * 100 + turn),
      );
    }
  });

  it("a ping has nothing to wait for", async () => {
    expect(await new InMemoryBackend().ping()).toEqual({ latencyMs: 0 });
  });
});
