import { describe, expect, it } from "@jest/globals";
import { Keyv } from "keyv";
import { KeyvBackend, type KeyvBackendOptions } from "../src/index.ts";
import { FaultyStore, type Note, notes } from "./support/stores.ts";

const DAY = 24 * 60 * 60 * 1_000;

/**
 * How long the memory just written lives: at least and at most, in ms, as the clock moves meanwhile. `null`: for ever.
 */
async function lifetime(store: FaultyStore, backend: KeyvBackend<Note>): Promise<[number, number] | null> {
  const before = Date.now();
  await backend.save("m", notes(0, 1));
  const after = Date.now();
  const expires = store.rows.get("deep-agent.m")?.expires;
  return expires === undefined ? null : [expires - after, expires - before];
}

describe("a memory lives for its TTL after its last write", () => {
  it.each<[string, number | undefined, Omit<KeyvBackendOptions, "store" | "keyv">, number | null]>([
    ["of the Keyv", DAY, {}, DAY],
    ["of the Keyv, if the backend's is undefined", DAY, { ttl: undefined }, DAY],
    ["of the backend, rather than of the Keyv", DAY, { ttl: "7d" }, 7 * DAY],
    ["of the backend, in milliseconds", undefined, { ttl: 1_500 }, 1_500],
    ["for ever, if neither has a TTL", undefined, {}, null],
    ["for ever, if the backend's is null", DAY, { ttl: null }, null],
    ["for ever, if the backend's is 0", DAY, { ttl: 0 }, null],
    ["for ever, if the backend's is the text 0", DAY, { ttl: "0" }, null],
  ])("%s", async (_whose, ofKeyv, options, ttl) => {
    const store = new FaultyStore();
    const keyv = new Keyv({ store, ...(ofKeyv !== undefined && { ttl: ofKeyv }) });
    const found = await lifetime(store, new KeyvBackend<Note>({ keyv, ...options }));
    if (ttl === null) expect(found).toBeNull();
    else {
      expect(found?.[0]).toBeLessThanOrEqual(ttl);
      expect(found?.[1]).toBeGreaterThanOrEqual(ttl);
    }
  });

  it("also with a store instead of a Keyv", async () => {
    const store = new FaultyStore();
    const found = await lifetime(store, new KeyvBackend<Note>({ store, ttl: "7d" }));
    expect(found?.[0]).toBeGreaterThan(6 * DAY);
  });

  it("and each write renews it, but no read does", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>({ store, ttl: "7d" });
    await backend.save("m", notes(0, 1));
    const row = store.rows.get("deep-agent.m");
    if (row !== undefined) row.expires = 1;
    await backend.load("m");
    await backend.list();
    expect(row?.expires).toBe(1);
    await backend.save("m", notes(0, 1));
    expect(store.rows.get("deep-agent.m")?.expires).toBeGreaterThan(Date.now());
  });
});
