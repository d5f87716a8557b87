import { describe, expect, it } from "@jest/globals";
import { InMemoryBackend } from "../src/index.ts";
import { eventsDuring, type Note, notes } from "./support/backends.ts";

async function fill(backend: InMemoryBackend<Note>, ids: readonly string[]): Promise<void> {
  for (const id of ids) await backend.append(id, notes(0, 1));
}

describe("beyond maxMemories the least recently used one is lost, and a warning says so", () => {
  it("names the memory and the limit", async () => {
    const backend = new InMemoryBackend<Note>({ maxMemories: 2 });
    const events = await eventsDuring(() => fill(backend, ["a", "b", "c"]));
    expect((await backend.list()).sort()).toEqual(["b", "c"]);
    expect(events).toEqual([
      {
        type: "warning",
        backend: "in-memory",
        memoryId: "a",
        detail: expect.stringMatching(/lost.*more than 2 memories/),
      },
    ]);
  });

  it.each<[string, (backend: InMemoryBackend<Note>) => Promise<unknown>]>([
    ["load", (backend) => backend.load("a")],
    ["read", (backend) => backend.read("a", { last: 1 })],
    ["append", (backend) => backend.append("a", notes(1, 1))],
    ["save", (backend) => backend.save("a", notes(1, 1))],
    ["touch", (backend) => backend.touch("a")],
  ])("%s is a use", async (_method, use) => {
    const backend = new InMemoryBackend<Note>({ maxMemories: 2 });
    await fill(backend, ["a", "b"]);
    await use(backend);
    await fill(backend, ["c"]);
    expect((await backend.list()).sort()).toEqual(["a", "c"]);
  });

  it.each<[string, (backend: InMemoryBackend<Note>) => Promise<unknown>]>([
    ["info", (backend) => backend.info("a")],
    ["list", (backend) => backend.list()],
    ["recent", (backend) => backend.recent({ limit: 5 })],
  ])("%s is not a use", async (_method, look) => {
    const backend = new InMemoryBackend<Note>({ maxMemories: 2 });
    await fill(backend, ["a", "b"]);
    await look(backend);
    await fill(backend, ["c"]);
    expect((await backend.list()).sort()).toEqual(["b", "c"]);
  });

  it("a write to a memory that is kept, a delete and a close lose nothing", async () => {
    const backend = new InMemoryBackend<Note>({ maxMemories: 2 });
    const events = await eventsDuring(async () => {
      await fill(backend, ["a", "b", "a", "b"]);
      await backend.save("a", notes(0, 9));
      await backend.delete("a");
      await fill(backend, ["c"]);
      await backend.close();
    });
    expect(events).toEqual([]);
  });

  it("an evicted memory is absent, and its old revisions belong to another log", async () => {
    const backend = new InMemoryBackend<Note>({ maxMemories: 1 });
    const since = await backend.append("a", notes(0, 1));
    await fill(backend, ["b"]);
    expect(await backend.load("a")).toBeNull();
    await expect(backend.append("a", notes(1, 1), { since })).rejects.toMatchObject({ code: "CONFLICT" });
  });

  it("a subscriber may call the backend from within the warning", async () => {
    const backend = new InMemoryBackend<Note>({ maxMemories: 1 });
    const { subscribe, unsubscribe } = await import("node:diagnostics_channel");
    const seen: Promise<string[]>[] = [];
    const listener = (): void => void seen.push(backend.list());
    subscribe("deep-agent:backend", listener);
    await fill(backend, ["a", "b"]);
    unsubscribe("deep-agent:backend", listener);
    expect(await Promise.all(seen)).toEqual([["b"]]);
  });

  it("at ten thousand memories by default", async () => {
    const backend = new InMemoryBackend<Note>();
    await fill(
      backend,
      Array.from({ length: 10_001 }, (_, index) => `m${index}`),
    );
    const ids = await backend.list();
    expect(ids).toHaveLength(10_000);
    expect(ids).not.toContain("m0");
  });
});
