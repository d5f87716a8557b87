import type { Message } from "@deep-agent/core";
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { RedisBackend } from "../src/index.ts";
import { rejectionOf, useServer } from "./support/backends.ts";

/*
 * Values as the Go library writes them: json.Marshal of its messages, with field names as they are in Go, null for a nil slice, and
 * <, > and & escaped.
 */
const redis = useServer();
const ID = "alice";
const value = JSON.stringify([
  { Role: "system", Content: "Be brief.", ToolCalls: null, ToolCallID: "" },
  { Role: "user", Content: "<b>Weather</b> in Porto & Lisbon? 語", ToolCalls: null, ToolCallID: "" },
  {
    Role: "assistant",
    Content: "",
    ToolCalls: [{ ID: "call_1", Type: "function", Name: "weather", Arguments: '{"city":"Porto"}' }],
    ToolCallID: "",
  },
  { Role: "tool", Content: "Sunny", ToolCalls: null, ToolCallID: "call_1" },
  { Role: "assistant", Content: "Sunny.", ToolCalls: null, ToolCallID: "" },
])
  .replaceAll("<", "\\u003c")
  .replaceAll(">", "\\u003e")
  .replaceAll("&", "\\u0026");

const expected = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "<b>Weather</b> in Porto & Lisbon? 語" },
  { role: "assistant", content: null, toolCalls: [{ id: "call_1", name: "weather", arguments: '{"city":"Porto"}' }] },
  { role: "tool", content: "Sunny", toolCallId: "call_1" },
  { role: "assistant", content: "Sunny." },
];

let backend: RedisBackend<Message>;
beforeEach(async () => {
  backend = redis.open<Message>();
  await redis.command("SET", redis.prefix + ID, value);
});

const type = () => redis.command("TYPE", redis.prefix + ID);
const said = (text: string): Message => ({ role: "user", content: text, id: text, createdAt: 1 });

describe("what go-deep-agent has stored", () => {
  it("is read as it is, without being changed", async () => {
    expect(await backend.load(ID)).toMatchObject(expected);
    expect((await backend.read(ID))?.records).toMatchObject(expected);
    expect(await backend.read(ID, { last: 2 })).toMatchObject({ records: expected.slice(3), reset: false });
    expect(await backend.info(ID)).toMatchObject({ records: 5, createdAt: 0, expiresAt: null });
    expect(await backend.list()).toEqual([ID]);
    await backend.touch(ID);
    expect(Number(await redis.command("TTL", redis.prefix + ID))).toBeGreaterThan(604_000);
    expect(await redis.command("GET", redis.prefix + ID)).toBe(value);
  });

  it("is the same log before the first write converts it and after", async () => {
    const before = await backend.read(ID, { last: 2 });
    const whole = await backend.read(ID);
    const older = await backend.read(ID, { last: 2, before: before?.start ?? "" });
    await backend.append(ID, [said("more")], { since: whole?.revision ?? null });
    expect(await type()).toBe("list");
    expect(await backend.load(ID)).toEqual([...(whole?.records ?? []), said("more")]);
    expect(await backend.read(ID, { last: 2, before: before?.start ?? "" })).toMatchObject({
      records: older?.records,
      start: older?.start,
      reset: false,
    });
    expect(await backend.read(ID, { since: whole?.revision })).toMatchObject({ records: [said("more")], reset: false });
    expect((await backend.recent?.({ limit: 1 }))?.memories).toMatchObject([{ memoryId: ID }]);
  });

  it("is converted once, also where many write at the same time", async () => {
    for (let round = 0; round < 20; round++) {
      await redis.command("DEL", redis.prefix + ID);
      await redis.command("SET", redis.prefix + ID, value);
      const { revision = "" } = (await backend.read(ID, { last: 1 })) ?? {};
      const others = [redis.open<Message>(), redis.open<Message>(), redis.open<Message>()];
      await Promise.all(others.map((one, n) => one.append(ID, [said(`${n}`)], { since: revision })));
      const loaded = (await backend.load(ID)) ?? [];
      expect(loaded.slice(0, 5)).toMatchObject(expected);
      expect(
        loaded
          .slice(5)
          .map(({ id }) => id)
          .sort(),
      ).toEqual(["0", "1", "2"]);
      await Promise.all(others.map((one) => one.close()));
    }
  });

  it("is replaced by a save, and removed by a delete", async () => {
    const { revision } = (await backend.read(ID)) ?? {};
    await expect(backend.save(ID, [said("x")], { expectedRevision: "x.1.1" })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    await backend.save(ID, [said("x")], { expectedRevision: revision });
    expect(await backend.load(ID)).toEqual([said("x")]);
    await redis.command("SET", redis.prefix + ID, value);
    await backend.delete(ID);
    expect(await backend.load(ID)).toBeNull();
  });

  it("counts as a log: who knew of none is told, and an operation in it is none of ours", async () => {
    await expect(backend.append(ID, [said("x")], { since: null })).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(backend.append(ID, [said("x")], { expectedRevision: null })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    expect(await backend.load(ID)).toMatchObject(expected);
  });

  it("is another log when its writer has changed it", async () => {
    const { revision } = (await backend.read(ID)) ?? {};
    await redis.command("SET", redis.prefix + ID, value.replace("brief", "long"));
    expect(await backend.read(ID, { since: revision })).toMatchObject({ reset: true, regressed: false });
    await expect(backend.append(ID, [said("x")], { since: revision })).rejects.toMatchObject({ code: "CONFLICT" });
  });

  it.each(["null", "[]"])("may be empty: %s", async (text) => {
    await redis.command("SET", redis.prefix + ID, text);
    expect(await backend.load(ID)).toEqual([]);
    await backend.append(ID, [said("x")]);
    expect(await backend.load(ID)).toEqual([said("x")]);
  });

  it.each(["", "{", '"text"', "[1]", '[{"Role":"user"}]', '[{"Role":"user","Content":"x","ToolCalls":[{"ID":1}]}]'])(
    "is not taken for that where it is no such thing: %s",
    async (text) => {
      await redis.command("SET", redis.prefix + ID, text);
      for (const call of [() => backend.load(ID), () => backend.append(ID, [said("x")]), () => backend.save(ID, [])]) {
        expect(await rejectionOf(call())).toMatchObject({ code: "CORRUPT", outcome: "not-applied" });
      }
      expect(await redis.command("GET", redis.prefix + ID)).toBe(text);
    },
  );
});
