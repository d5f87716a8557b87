import type { Message } from "@deep-agent/core";
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { RedisBackend } from "../src/index.ts";
import { rejectionOf, useServer } from "./support/backends.ts";

/*
 * Values as go-deep-agent writes them: `json.Marshal` of a slice of structs without tags. Go escapes <, >, & and
 * U+2028, and writes a nil slice as null.
 */

const redis = useServer();
const ID = "user-alice";

const value = `[${[
  '{"Role":"system","Content":"You are \\u003cterse\\u003e \\u0026 kind\\u2028","ToolCalls":null,"ToolCallID":""}',
  '{"Role":"user","Content":"Wetter in Köln? 😀","ToolCalls":null,"ToolCallID":""}',
  '{"Role":"assistant","Content":"","ToolCalls":[{"ID":"call_1","Type":"function","Name":"weather","Arguments":"{\\"city\\":\\"Köln\\"}"}],"ToolCallID":""}',
  '{"Role":"tool","Content":"{\\"rain\\":true}","ToolCalls":null,"ToolCallID":"call_1"}',
  '{"Role":"assistant","Content":"Rain.","ToolCalls":[],"ToolCallID":""}',
].join(",")}]`;

const fields = { id: expect.stringMatching(/^go-[\w-]{22}-[1-5]$/), createdAt: 0 };
const conversation = [
  { role: "system", content: "You are <terse> & kind\u2028", ...fields },
  { role: "user", content: "Wetter in Köln? 😀", ...fields },
  {
    role: "assistant",
    content: null,
    toolCalls: [{ id: "call_1", name: "weather", arguments: '{"city":"Köln"}' }],
    ...fields,
  },
  { role: "tool", content: '{"rain":true}', toolCallId: "call_1", ...fields },
  { role: "assistant", content: "Rain.", ...fields },
];

const hello: Message = { id: "1", role: "user", content: "hello", createdAt: 1 };

let backend: RedisBackend<Message>;
beforeEach(async () => {
  backend = redis.open<Message>();
  await put(value);
});

const key = (): string => redis.prefix + ID;
const put = (text: string): Promise<unknown> => redis.command("SET", key(), text);
const stored = (): Promise<unknown> => redis.command("GET", key());
const type = (): Promise<unknown> => redis.command("TYPE", key());

/** The snapshots of every window, and of every step back. */
async function windows(one: RedisBackend<Message>, revisions: readonly string[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const last of [undefined, 1, 2, 4, 5, 9]) {
    answers.push(await one.read(ID, { last }));
    for (const revision of revisions) {
      answers.push(await one.read(ID, { last, since: revision }));
      answers.push(await one.read(ID, { last, before: revision }));
    }
  }
  return answers;
}

/** The revisions after each message, the newest first. */
async function revisionsOf(one: RedisBackend<Message>): Promise<string[]> {
  const revisions: string[] = [];
  let page = await one.read(ID, { last: 1 });
  if (page !== null) revisions.push(page.revision);
  while (page !== null && page.start !== null) {
    revisions.push(page.start);
    page = await one.read(ID, { last: 1, before: page.start });
  }
  return revisions;
}

describe("a conversation of go-deep-agent is read as it is", () => {
  it("by every method that reads, without changing it", async () => {
    expect(await backend.load(ID)).toEqual(conversation);
    expect(await backend.read(ID)).toMatchObject({
      records: conversation,
      start: null,
      reset: false,
      regressed: false,
    });
    expect((await backend.read(ID, { last: 2 }))?.records).toEqual(conversation.slice(-2));
    expect(await backend.info(ID)).toMatchObject({ records: 5, createdAt: 0, updatedAt: 0, expiresAt: null });
    expect((await backend.info(ID))?.bytes).toBeGreaterThan(Buffer.byteLength(value));
    expect(await backend.list()).toEqual([ID]);
    await backend.touch(ID);
    expect(await stored()).toBe(value);
    expect((await backend.info(ID))?.expiresAt).toBeGreaterThan(Date.now() + 604_000_000);
  });

  it.each<[string, string, unknown[]]>([
    ["an empty one", "[]", []],
    ["a nil one", "null", []],
    [
      "fields that are left out, or are more",
      '[{"Role":"user","Content":"a","X":1}]',
      [{ role: "user", content: "a" }],
    ],
    [
      "content beside calls",
      '[{"Role":"assistant","Content":"let me see","ToolCalls":[{"ID":"1","Type":"","Name":"f","Arguments":""}],"ToolCallID":""}]',
      [{ role: "assistant", content: "let me see", toolCalls: [{ id: "1", name: "f", arguments: "" }] }],
    ],
    ["white space", ' [ {"Role":"user","Content":"a"} ]\n', [{ role: "user", content: "a" }]],
  ])("%s", async (_what, text, messages) => {
    await put(text);
    expect(await backend.load(ID)).toMatchObject(messages as object[]);
    expect((await backend.load(ID))?.length).toBe(messages.length);
    expect((await backend.info(ID))?.records).toBe(messages.length);
    await backend.append(ID, [hello], { since: (await backend.read(ID))?.revision });
    expect(await backend.load(ID)).toMatchObject([...messages, hello] as object[]);
  });
});

describe("the first write turns a conversation of go-deep-agent into a log", () => {
  it("an append adds to it", async () => {
    const before = await backend.load(ID);
    await backend.append(ID, [hello]);
    expect(await type()).toBe("list");
    expect(await backend.load(ID)).toEqual([...(before ?? []), hello]);
    expect(await redis.command("LLEN", key())).toBe(7);
    const [header = ""] = await redis.elements(ID);
    expect(header).toMatch(/^#1 go-\S+ \d{13} \d{13} 6 0$/);
    expect(Number(await redis.command("PTTL", key()))).toBeGreaterThan(604_000_000);
    const recent = await backend.recent?.({ limit: 9 });
    expect(recent?.memories.map(({ memoryId }) => memoryId)).toEqual([ID]);
  });

  it("a save replaces it", async () => {
    await backend.save(ID, [hello]);
    expect(await type()).toBe("list");
    expect(await backend.load(ID)).toEqual([hello]);
  });

  it("a delete removes it without a conversion", async () => {
    await backend.delete(ID);
    expect(await type()).toBe("none");
  });

  it("without expiry if the backend has no TTL", async () => {
    await redis.command("PEXPIRE", key(), "60000");
    const forever = redis.open<Message>({ ttl: null });
    await forever.append(ID, [hello]);
    expect(await redis.command("PTTL", key())).toBe(-1);
  });

  it("the log has the revisions of the value, so that readers can go on", async () => {
    const revisions = await revisionsOf(backend);
    expect(new Set(revisions).size).toBe(5);
    const asItWas = await windows(backend, revisions);
    const [head = ""] = revisions;
    const other = redis.open<Message>();
    await expect(other.append(ID, [hello], { expectedRevision: revisions[1] })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    // The refused write converted the value, and did nothing else.
    expect(await type()).toBe("list");
    expect(await revisionsOf(backend)).toEqual(revisions);
    expect(await windows(backend, revisions)).toEqual(asItWas);
    await other.append(ID, [hello], { since: head });
    expect(await backend.read(ID, { since: head })).toMatchObject({ records: [hello], reset: false });
    for (const revision of revisions) {
      expect(await backend.read(ID, { since: revision })).toMatchObject({ reset: false, regressed: false });
    }
    await expect(backend.append(ID, [hello], { expectedRevision: head })).rejects.toMatchObject({ code: "CONFLICT" });
    await backend.append(ID, [hello], { expectedRevision: (await backend.read(ID))?.revision });
    expect(await backend.load(ID)).toHaveLength(7);
  });

  it("a write at a revision of the value succeeds", async () => {
    const { revision = "" } = (await backend.read(ID)) ?? {};
    await backend.append(ID, [hello], { expectedRevision: revision });
    expect(await backend.load(ID)).toHaveLength(6);
    await put(value);
    await backend.save(ID, [hello], { expectedRevision: revision });
    expect(await backend.load(ID)).toEqual([hello]);
    await put(value);
    for (const options of [{ since: null }, { expectedRevision: null }]) {
      await expect(backend.append(ID, [hello], options)).rejects.toMatchObject({ code: "CONFLICT" });
      expect(await backend.load(ID)).toEqual(conversation);
    }
  });

  it("a write at a revision of another value is refused", async () => {
    const { revision = "" } = (await backend.read(ID)) ?? {};
    await put("[]");
    await expect(backend.append(ID, [hello], { since: revision })).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(backend.save(ID, [hello], { expectedRevision: revision })).rejects.toMatchObject({ code: "CONFLICT" });
    expect(await backend.load(ID)).toEqual([]);
    expect(await backend.read(ID, { since: revision })).toMatchObject({ records: [], reset: true, regressed: false });
  });

  it("it is converted once if several write at the same time", async () => {
    const writers = [backend, redis.open<Message>(), redis.open<Message>()];
    for (let round = 0; round < 60; round++) {
      await put(value);
      const revisions = await Promise.all(
        writers.map((one, n) => one.append(ID, [{ ...hello, id: `${round}-${n}` }], { operationId: `o${n}` })),
      );
      expect(new Set(revisions).size).toBe(3);
      const records = (await backend.load(ID)) ?? [];
      expect(records.slice(0, 5)).toEqual(conversation);
      expect(
        records
          .slice(5)
          .map(({ id }) => id)
          .sort(),
      ).toEqual([0, 1, 2].map((n) => `${round}-${n}`));
    }
  });

  it("reads, writes and deletes at the same time see consistent states", async () => {
    const [writer, reader, deleter] = [backend, redis.open<Message>(), redis.open<Message>()];
    for (let round = 0; round < 40; round++) {
      await put(value);
      const [, whole, part, info] = await Promise.all([
        writer.append(ID, [hello]),
        reader.load(ID),
        reader.read(ID, { last: 2 }),
        reader.info(ID),
        round % 2 === 0 ? deleter.delete(ID) : undefined,
      ]);
      const all = [...conversation, hello];
      const possible = [null, conversation, all, [hello]].map((records) => ({ records }));
      expect(possible).toContainEqual({ records: whole });
      const windows = [null, conversation.slice(-2), all.slice(-2), [hello]].map((records) => ({ records }));
      expect(windows).toContainEqual({ records: part?.records ?? null });
      expect([undefined, 1, 5, 6]).toContain(info?.records);
      if (round % 2 === 1) expect(await reader.load(ID)).toEqual(all);
    }
  });

  it("a value of 10,000 messages as well", async () => {
    const message = (n: number) => ({ Role: "user", Content: `語😀 ${n}`, ToolCalls: null, ToolCallID: "" });
    await put(JSON.stringify(Array.from({ length: 10_000 }, (_, n) => message(n))));
    const before = await backend.load(ID);
    await backend.append(ID, [hello]);
    expect(await redis.command("LLEN", key())).toBe(10_002);
    expect(await backend.load(ID)).toEqual([...(before ?? []), hello]);
  });
});

describe("an invalid value is CORRUPT, and stays as it is", () => {
  it.each<[string, string]>([
    ["broken JSON", `${value.slice(0, -40)}the canary`],
    ["nothing", ""],
    ["no JSON", "the canary"],
    ["an object", '{"Role":"user","Content":"the canary"}'],
    ["a number", "17"],
    ["texts", '["the canary"]'],
    ["null among them", "[null]"],
    ["our own field names", '[{"role":"user","content":"the canary"}]'],
    ["no content", '[{"Role":"user"}]'],
    ["content that is not a string", '[{"Role":"user","Content":["the canary"]}]'],
    [
      "an invalid tool call",
      '[{"Role":"assistant","Content":"","ToolCalls":[{"ID":7,"Name":"the canary","Arguments":""}]}]',
    ],
    ["a __proto__", '[{"Role":"user","Content":"the canary","__proto__":{"x":1}}]'],
  ])("%s", async (_what, text) => {
    await put(text);
    for (const call of [
      () => backend.load(ID),
      () => backend.read(ID, { last: 1 }),
      () => backend.info(ID),
      () => backend.append(ID, [hello]),
      () => backend.append(ID, [hello], { since: null }),
      () => backend.save(ID, [hello]),
    ]) {
      const error = await rejectionOf(call());
      expect(error).toMatchObject({ code: "CORRUPT", backend: "redis", memoryId: ID, outcome: "not-applied" });
      expect(String(error)).not.toContain("canary");
    }
    expect(await stored()).toBe(text);
    expect(await backend.list()).toEqual([ID]);
    await backend.delete(ID);
    expect(await backend.load(ID)).toBeNull();
    await backend.append(ID, [hello]);
    expect(await backend.load(ID)).toEqual([hello]);
  });

  it("also if its bytes are not UTF-8, so that a script cannot compare it", async () => {
    const bytes = `return redis.call("SET", KEYS[1], '[{"Role":"user","Content":"a\\255","ToolCalls":null,"ToolCallID":""}]')`;
    await redis.command("EVAL", bytes, "1", key());
    const error = await rejectionOf(backend.append(ID, [hello]));
    expect(error).toMatchObject({ code: "CORRUPT", outcome: "not-applied", retryable: false });
    expect(await redis.command("TYPE", key())).toBe("string");
  });
});
