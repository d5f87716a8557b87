import { type BackendConfig, type MemoryBackend, MemoryError, type Message } from "@deep-agent/core";
import type { LogCapability } from "@deep-agent/core/adapter";
import { describe, expect, it } from "@jest/globals";
import { expectTypeOf } from "expect-type";
import { fromConfig, InMemoryBackend, type InMemoryOptions } from "../src/index.ts";
import { type Note, notes, withClock } from "./support/backends.ts";

const ID = "user-alice";
const ADAPTER = "@deep-agent/in-memory";

function thrownBy(run: () => unknown): MemoryError {
  try {
    run();
  } catch (error) {
    if (MemoryError.is(error, "INVALID_CONFIG")) return error;
    throw error;
  }
  throw new Error("Nothing was thrown.");
}

async function lifetime(backend: InMemoryBackend<Note>): Promise<number | null> {
  await backend.append(ID, notes(0, 1));
  const info = await backend.info(ID);
  return info === null || info.expiresAt === null ? null : info.expiresAt - info.updatedAt;
}

async function capacity(backend: InMemoryBackend<Note>): Promise<number> {
  for (let index = 0; index < 10; index++) await backend.append(`m${index}`, notes(0, 1));
  return (await backend.list()).length;
}

describe("the fluent form and the options mean the same", () => {
  it.each<[InMemoryOptions["ttl"], number | null]>([
    ["7d", 604_800_000],
    [1_500, 1_500],
    [0, null],
    [null, null],
  ])("ttl %p", async (ttl, ms) => {
    expect(await lifetime(new InMemoryBackend<Note>({ ttl }))).toBe(ms);
    expect(await lifetime(new InMemoryBackend<Note>({ ttl: "3s" }).withTTL(ttl ?? null))).toBe(ms);
  });

  it("maxMemories", async () => {
    expect(await capacity(new InMemoryBackend<Note>({ maxMemories: 3 }))).toBe(3);
  });

  it("until the first use, after which the fluent form throws and changes nothing", async () => {
    const { backend, time } = withClock({ ttl: "1h" });
    await backend.ping();
    expect(thrownBy(() => backend.withTTL("2h")).hint).toMatch(/before/);
    expect(await lifetime(backend)).toBe(3_600_000);
    expect(await capacity(backend)).toBe(10 + 1);
    expect(time.now).toBeGreaterThan(0);
    await backend.close();
    expect(thrownBy(() => backend.withTTL("2h")).code).toBe("INVALID_CONFIG");
  });
});

describe("an invalid config is refused when the backend is made", () => {
  it.each<[string, object]>([
    ["a negative TTL", { ttl: "-1" }],
    ["a TTL of NaN", { ttl: Number.NaN }],
    ["a TTL in words", { ttl: "soon" }],
    ["an empty TTL", { ttl: "" }],
    ["no memories at all", { maxMemories: 0 }],
    ["a fraction of a memory", { maxMemories: 1.5 }],
    ["a number as a string", { maxMemories: "100" }],
    ["more than RAM holds", { maxMemories: 1e12 }],
    ["infinitely many", { maxMemories: Number.POSITIVE_INFINITY }],
    ["a clock that is a time", { clock: 12 }],
  ])("%s", (_name, options) => {
    expect(thrownBy(() => new InMemoryBackend(options)).outcome).toBe("not-applied");
    expect(thrownBy(() => fromConfig({ adapter: ADAPTER, ...options })).code).toBe("INVALID_CONFIG");
  });

  it("also in the fluent form", () => {
    expect(thrownBy(() => new InMemoryBackend().withTTL("soon")).message).toContain("soon");
  });

  it("an unknown option, with its name and the names of all options", () => {
    const error = thrownBy(() => new InMemoryBackend({ maxMemory: 5 } as InMemoryOptions));
    expect(error.message).toMatch(/"maxMemory".*ttl, maxMemories, clock/);
  });

  it("a clock that does not return a time, at first use and before anything is written", async () => {
    let time = Number.NaN;
    const backend = new InMemoryBackend<Note>({ clock: () => time });
    await expect(backend.append(ID, notes(0, 1))).rejects.toMatchObject({ code: "INVALID_CONFIG" });
    time = 5;
    expect(await backend.load(ID)).toBeNull();
  });
});

describe("fromConfig makes a backend from a URL or from options", () => {
  it("memory:", async () => {
    const backend = fromConfig<Note>({ adapter: ADAPTER, url: "memory:" });
    expect(backend).toBeInstanceOf(InMemoryBackend);
    expect(await lifetime(backend)).toBeNull();
  });

  it("memory:?ttl=1h&maxMemories=3", async () => {
    const open = () => fromConfig<Note>({ adapter: ADAPTER, url: "memory:?ttl=1h&maxMemories=3" });
    expect(await lifetime(open())).toBe(3_600_000);
    expect(await capacity(open())).toBe(3);
    expect(await lifetime(fromConfig<Note>({ adapter: ADAPTER, url: "memory://?ttl=500ms" }))).toBe(500);
  });

  it("options, which win over the URL and are not changed", async () => {
    const config: BackendConfig = Object.freeze({ adapter: ADAPTER, url: "memory:?ttl=1h", ttl: 0, maxMemories: 3 });
    expect(await lifetime(fromConfig<Note>(config))).toBeNull();
    expect(await capacity(fromConfig<Note>(config))).toBe(3);
  });

  it.each([
    ["memory:?tll=1h", /"tll".*ttl and maxMemories/],
    ["memory:?clock=1", /"clock"/],
    ["memory:?ttl=1h&ttl=2h", /"ttl" is given twice/],
    ["memory:?ttl=soon", /soon/],
    ["memory:?ttl=", /TTL/],
    ["memory:?maxMemories=", /maxMemories/],
    ["memory:?maxMemories=1e3", /maxMemories/],
    ["memory:?maxMemories=0", /maxMemories/],
    ["memory:notes", /must not have a host, a path or a fragment/],
    ["memory://host", /must not have a host, a path or a fragment/],
    ["memory:#x", /must not have a host, a path or a fragment/],
    ["redis://host", /must begin with "memory:"/],
    ["memory", /not a valid URL/],
  ])("not of %s", (url, message) => {
    expect(thrownBy(() => fromConfig({ adapter: ADAPTER, url })).message).toMatch(message);
  });
});

describe("bad input is refused before anything is written", () => {
  it.each<[string, string, (backend: InMemoryBackend<Note>) => Promise<unknown>]>([
    ["an empty id", "INVALID_MEMORY_ID", (backend) => backend.append("", notes(0, 1))],
    ["a lone surrogate", "INVALID_MEMORY_ID", (backend) => backend.save("\ud800", notes(0, 1))],
    ["no records", "INVALID_RECORD", (backend) => backend.append(ID, [])],
    ["an invalid second record", "INVALID_RECORD", (backend) => backend.append(ID, [{ n: 1 }, { n: Number.NaN }])],
    ["an invalid record in a save", "INVALID_RECORD", (backend) => backend.save(ID, [{ n: 1 }, { n: Number.NaN }])],
    [
      "an operation id with a space",
      "INVALID_ARGUMENT",
      (backend) => backend.append(ID, notes(0, 1), { operationId: "a b" }),
    ],
    ["half a record", "INVALID_ARGUMENT", (backend) => backend.read(ID, { last: 0.5 })],
    ["a limit of 0", "INVALID_ARGUMENT", (backend) => backend.recent({ limit: 0 })],
    ["a prefix that is a number", "INVALID_ARGUMENT", (backend) => backend.list({ prefix: 5 as unknown as string })],
  ])("%s: %s", async (_name, code, call) => {
    const backend = new InMemoryBackend<Note>();
    await expect(call(backend)).rejects.toMatchObject({ code });
    expect(await backend.list()).toEqual([]);
  });
});

describe("its types are those of the contract", () => {
  it("with messages by default", () => {
    expectTypeOf<InMemoryBackend>().toExtend<MemoryBackend<Message> & LogCapability<Message>>();
    expectTypeOf<InMemoryBackend<Note>>().toExtend<MemoryBackend<Note>>();
    expectTypeOf<InMemoryBackend<Note>>().not.toExtend<MemoryBackend<Message>>();
    expectTypeOf(fromConfig<Note>).returns.toEqualTypeOf<InMemoryBackend<Note>>();
    expectTypeOf(new InMemoryBackend<Note>().withTTL("1h")).toEqualTypeOf<InMemoryBackend<Note>>();
  });
});
