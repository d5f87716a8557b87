import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { InMemoryBackend } from "../src/index.ts";
import { type Note, notes, withClock } from "./support/backends.ts";

async function pages(backend: InMemoryBackend<Note>, limit: number, prefix?: string): Promise<string[][]> {
  const all: string[][] = [];
  let cursor: string | null | undefined;
  do {
    const page = await backend.recent({ limit, prefix, ...(cursor && { cursor }) });
    all.push(page.memories.map(({ memoryId }) => memoryId));
    cursor = page.cursor;
  } while (cursor !== null);
  return all;
}

describe("list gives every id with the prefix, taken literally", () => {
  it("including glob characters", async () => {
    const backend = new InMemoryBackend<Note>();
    for (const id of ["app[1]:x", "app1:x", "a*", "abc", "A*"]) await backend.append(id, notes(0, 1));
    expect(await backend.list({ prefix: "app[1]:" })).toEqual(["app[1]:x"]);
    expect(await backend.list({ prefix: "a*" })).toEqual(["a*"]);
    expect(await backend.list({ prefix: "" })).toHaveLength(5);
    expect(await backend.list({ prefix: "none" })).toEqual([]);
  });
});

describe("recent gives the most recently written first", () => {
  it("within one millisecond too, and a memory written again moves to the front", async () => {
    const { backend, time } = withClock();
    for (const id of ["a", "b", "c"]) await backend.append(id, notes(0, 1));
    await backend.save("a", notes(0, 1));
    expect(await backend.recent({ limit: 5 })).toEqual({
      memories: ["a", "c", "b"].map((memoryId) => ({ memoryId, updatedAt: time.now })),
      cursor: null,
    });
  });

  it("and calls that write nothing do not move a memory", async () => {
    const { backend, time } = withClock({ ttl: "1h" });
    for (const id of ["a", "b"]) await backend.append(id, notes(0, 1), { operationId: "turn" });
    const before = await backend.recent({ limit: 5 });
    time.now += 5;
    await backend.touch("a");
    await backend.load("a");
    await backend.append("a", notes(0, 1), { operationId: "turn" });
    expect(await backend.recent({ limit: 5 })).toEqual(before);
  });

  it("even if the clock goes backwards", async () => {
    const { backend, time } = withClock();
    await backend.append("a", notes(0, 1));
    time.now -= 1_000;
    await backend.append("b", notes(0, 1));
    expect(await pages(backend, 1)).toEqual([["b"], ["a"]]);
  });

  it("in pages of `limit` memories, without an empty page at the end", async () => {
    const backend = new InMemoryBackend<Note>();
    expect(await pages(backend, 2)).toEqual([[]]);
    for (const id of ["a", "b", "c", "d"]) await backend.append(id, notes(0, 1));
    expect(await pages(backend, 2)).toEqual([
      ["d", "c"],
      ["b", "a"],
    ]);
    expect(await pages(backend, 3)).toEqual([["d", "c", "b"], ["a"]]);
  });

  it("only memories with the prefix, in full pages", async () => {
    const backend = new InMemoryBackend<Note>();
    for (const id of ["x*1", "y", "x*2", "xy", "x*3"]) await backend.append(id, notes(0, 1));
    expect(await pages(backend, 2, "x*")).toEqual([["x*3", "x*2"], ["x*1"]]);
  });

  it("each memory once, whatever others write or delete between the pages", async () => {
    const write = fc.record({ write: fc.boolean(), id: fc.integer({ min: 0, max: 19 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(write, { maxLength: 4 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        async (between, limit) => {
          const backend = new InMemoryBackend<Note>();
          for (let id = 0; id < 10; id++) await backend.append(`m${id}`, notes(0, 1));
          const moved = new Set<string>();
          const seen: string[] = [];
          let cursor: string | null | undefined;
          for (let turn = 0; cursor !== null; turn++) {
            const page = await backend.recent({ limit, ...(cursor && { cursor }) });
            seen.push(...page.memories.map(({ memoryId }) => memoryId));
            cursor = page.cursor;
            for (const { write, id } of between[turn] ?? []) {
              moved.add(`m${id}`);
              await (write ? backend.append(`m${id}`, notes(0, 1)) : backend.delete(`m${id}`));
            }
          }
          expect(new Set(seen).size).toBe(seen.length);
          // Every memory that was not written to is seen, in its order.
          const still = Array.from({ length: 10 }, (_, index) => `m${9 - index}`).filter((id) => !moved.has(id));
          expect(seen.filter((id) => !moved.has(id))).toEqual(still);
        },
      ),
    );
  });

  it.each(["", "x", "-1", "1.5", 7])("refuses %p as a cursor", async (cursor) => {
    const backend = new InMemoryBackend<Note>();
    await expect(backend.recent({ limit: 1, cursor: cursor as string })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
