import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryError, type Revision } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type FallbackStatus, withFallback, withTimeout } from "../src/index.ts";
import { away, eventsDuring, type Note, notes, rejectionOf, TroubledBackend } from "./support/stores.ts";

const ID = "alice";

let primary: TroubledBackend;
let secondary: TroubledBackend<object>;

beforeEach(() => {
  primary = new TroubledBackend();
  secondary = new TroubledBackend<object>();
});

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const backend of opened.splice(0)) await backend.close();
});

function open(onStatus?: (status: FallbackStatus) => unknown) {
  const backend = withFallback(primary, secondary, { probeMs: 5, onStatus });
  opened.push(backend);
  return backend;
}

/** Resolves when the primary is back, and no turns wait. */
async function settled(backend: ReturnType<typeof open>): Promise<void> {
  for (;;) {
    const { primary: state, waiting } = backend.status();
    if (state === "there" && waiting.length === 0) return;
    await new Promise(setImmediate);
  }
}

describe("while the primary is unavailable", () => {
  it("turns are kept, and stored at the primary in order, once each, when it is back", async () => {
    const backend = open();
    await backend.append(ID, notes(0, 2));
    primary.fate = () => "away";
    for (let n = 2; n < 8; n += 2) await backend.append(ID, notes(n, 2));
    await backend.append("bob", notes(0, 1));
    expect(backend.status()).toEqual({ primary: "away", waiting: [ID, "bob"], refused: [] });
    primary.fate = () => "made";
    expect(await InMemoryBackend.prototype.load.call(primary, ID)).toEqual(notes(0, 2));
    await settled(backend);
    expect(await primary.load(ID)).toEqual(notes(0, 8));
    expect(await primary.load("bob")).toEqual(notes(0, 1));
    expect(await backend.load(ID)).toEqual(notes(0, 8));
  });

  it("only the probe calls it", async () => {
    const backend = open();
    primary.fate = () => "away";
    await backend.append(ID, notes(0, 1));
    primary.calls.length = 0;
    for (let n = 1; n < 20; n++) await backend.append(ID, notes(n, 1));
    expect(primary.calls.filter((method) => method !== "ping")).toEqual([]);
  });

  it("a reader continues from what it knew", async () => {
    const backend = open();
    const first = await backend.append(ID, notes(0, 2));
    const known = (await backend.read(ID, { since: first }))?.revision as Revision;
    primary.fate = () => "away";
    expect(await backend.read(ID, { since: known })).toMatchObject({ records: [], reset: false, regressed: false });
    await backend.append(ID, notes(2, 2), { since: known });
    const snapshot = await backend.read(ID, { since: known });
    expect(snapshot).toMatchObject({ records: notes(2, 2), reset: false, regressed: false });
    await backend.append(ID, notes(4, 1), { since: snapshot?.revision });
    expect(await backend.read(ID, { since: snapshot?.revision })).toMatchObject({ records: notes(4, 1), reset: false });
    primary.fate = () => "made";
    await settled(backend);
    // The waiting turns are somewhere in the log now.
    const after = await backend.read(ID, { since: snapshot?.revision });
    expect(after).toMatchObject({ records: notes(0, 5), reset: true, regressed: false });
    expect(await backend.read(ID, { since: known })).toMatchObject({ records: notes(2, 3), reset: false });
  });

  it("a reader that knew nothing sees the waiting turns, and later learns that there is more", async () => {
    const backend = open();
    await primary.append(ID, notes(90, 2));
    primary.fate = () => "away";
    const empty = await backend.read(ID, { last: 3 });
    expect(empty).toMatchObject({ records: [], start: null, reset: false });
    for (let n = 0; n < 6; n += 2) await backend.append(ID, notes(n, 2));
    const newest = await backend.read(ID, { last: 3 });
    expect(newest).toMatchObject({ records: notes(2, 4), reset: false });
    primary.fate = () => "made";
    await settled(backend);
    for (const since of [empty?.revision, newest?.revision])
      expect(await backend.read(ID, { since })).toMatchObject({
        records: [...notes(90, 2), ...notes(0, 6)],
        reset: true,
        regressed: false,
      });
  });

  it("a window stays the same through several outages", async () => {
    const backend = open();
    await backend.append(ID, notes(0, 2));
    const known = (await backend.read(ID))?.revision;
    primary.fate = () => "away";
    await backend.append(ID, notes(2, 1));
    const seen = await backend.read(ID, { since: known, last: 20 });
    primary.fate = () => "made";
    await settled(backend);
    primary.fate = () => "away";
    await backend.append("bob", notes(0, 1));
    expect(await backend.read(ID, { since: seen?.revision, last: 20 })).toMatchObject({ records: [], reset: false });
    await backend.append(ID, notes(3, 1));
    expect(await backend.read(ID, { since: seen?.revision })).toMatchObject({ records: notes(3, 1), reset: false });
  });

  it("a call that cannot be postponed is rejected, and does nothing", async () => {
    const backend = open();
    const known = await backend.append(ID, notes(0, 1));
    primary.fate = () => "away";
    await backend.append(ID, notes(1, 1));
    for (const call of [
      () => backend.load(ID),
      () => backend.read(ID),
      () => backend.read(ID, { last: 2, before: known }),
      () => backend.save(ID, notes(9, 1)),
      () => backend.delete(ID),
      () => backend.list(),
      () => backend.recent({ limit: 1 }),
      () => backend.info(ID),
      () => backend.touch(ID),
      () => backend.append(ID, notes(9, 1), { expectedRevision: null }),
    ]) {
      const error = await rejectionOf(call());
      expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied", retryable: true });
    }
    primary.fate = () => "made";
    await settled(backend);
    expect(await backend.load(ID)).toEqual(notes(0, 2));
  });

  it("ping answers as long as turns can be kept", async () => {
    const backend = open();
    primary.fate = () => "away";
    expect(await backend.ping()).toEqual({ latencyMs: 0 });
    secondary.fate = () => "away";
    expect(await rejectionOf(backend.ping())).toMatchObject({ code: "UNAVAILABLE" });
  });

  it("and the secondary is, too, a turn is rejected, and the error says what is known about it", async () => {
    const backend = open();
    primary.fate = () => "away";
    secondary.fate = (method) => (method === "append" ? "away" : "made");
    expect(await rejectionOf(backend.append(ID, notes(0, 1)))).toMatchObject({
      code: "UNAVAILABLE",
      outcome: "not-applied",
      retryable: true,
      cause: expect.objectContaining({ code: "UNAVAILABLE" }),
    });
    secondary.fate = (method) => (method === "append" ? "lost" : "made");
    const operationId = "op";
    const error = await rejectionOf(backend.append(ID, notes(0, 1), { operationId }));
    expect(error).toMatchObject({ outcome: "unknown" });
    expect(String(error)).toContain("may not have been written");
    secondary.fate = () => "made";
    await backend.append(ID, notes(0, 1), { operationId });
    primary.fate = () => "made";
    await settled(backend);
    expect(await primary.load(ID)).toEqual(notes(0, 1));
  });
});

describe("a write with an unknown outcome", () => {
  it("is kept under the same operation id, and found if it was made", async () => {
    const backend = open();
    const since = await backend.append(ID, notes(0, 1));
    primary.fate = (method) => (method === "append" ? "lost" : "away");
    await backend.append(ID, notes(1, 1), { since });
    await backend.append(ID, notes(2, 1), { since });
    primary.fate = () => "made";
    await settled(backend);
    expect(await primary.load(ID)).toEqual(notes(0, 3));
  });

  it("is left to the caller if it has no `since`: it might not be found", async () => {
    const backend = open();
    await backend.append(ID, notes(0, 1));
    primary.fate = () => "lost";
    const error = await rejectionOf(backend.append(ID, notes(1, 1)));
    expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
    expect(await secondary.load(ID)).toBeNull();
  });

  it("is stored once, even if its answer is lost repeatedly", async () => {
    const backend = open();
    primary.fate = () => "away";
    for (let n = 0; n < 5; n++) await backend.append(ID, [{ n, id: `m${n}` }]);
    let calls = 0;
    primary.fate = (method) => (method === "append" && calls++ % 3 !== 2 ? "lost" : "made");
    await settled(backend);
    expect((await primary.load(ID))?.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("when the primary is back", () => {
  it("the turns of other writers stay whole, and the waiting turns follow", async () => {
    const backend = open();
    const since = await backend.append(ID, notes(0, 1));
    primary.fate = () => "away";
    await backend.append(ID, notes(10, 2), { since });
    primary.fate = () => "made";
    await InMemoryBackend.prototype.append.call(primary, ID, notes(20, 2));
    await settled(backend);
    expect(await primary.load(ID)).toEqual([...notes(0, 1), ...notes(20, 2), ...notes(10, 2)]);
  });

  it("turns of a memory that was replaced meanwhile are stored in the new one, once", async () => {
    const backend = open();
    const since = await backend.append(ID, [{ n: 0, id: "m0" }]);
    const known = (await backend.read(ID))?.revision ?? since;
    primary.fate = () => "away";
    await backend.append(ID, [{ n: 1, id: "m1" }], { since: known });
    await backend.append(ID, [{ n: 2, id: "m2" }], { since: known });
    await InMemoryBackend.prototype.save.call(primary, ID, [
      { n: 7, id: "m7" },
      { n: 1, id: "m1" },
    ]);
    primary.fate = () => "made";
    await settled(backend);
    expect((await primary.load(ID))?.map(({ n }) => n)).toEqual([7, 1, 2]);
  });

  it("a turn that it refuses continues to wait, is reported, and holds up nothing else", async () => {
    const backend = open();
    await backend.append(ID, notes(90, 1));
    const known = (await backend.read(ID))?.revision;
    primary.fate = () => "away";
    await backend.append(ID, notes(0, 1), { since: known });
    await backend.append(ID, notes(1, 1), { since: known });
    await backend.append("bob", notes(0, 1));
    const append = primary.append.bind(primary);
    primary.append = async (id, records, ...rest) => {
      if (records.some(({ n }) => n === 0) && id === ID) throw new MemoryError("RECORD_TOO_LARGE", "Too large.");
      return append(id, records, ...rest);
    };
    const events = await eventsDuring(async () => {
      primary.fate = () => "made";
      while (backend.status().waiting.length > 1 || backend.status().primary === "away")
        await new Promise(setImmediate);
      expect(await backend.load(ID)).toEqual([...notes(90, 1), ...notes(1, 1)]);
    });
    expect(await primary.load("bob")).toEqual(notes(0, 1));
    expect(backend.status()).toEqual({ primary: "there", waiting: [ID], refused: [ID] });
    expect(events).toContainEqual(
      expect.objectContaining({ memoryId: ID, detail: expect.stringContaining("RECORD_TOO_LARGE") }),
    );
    expect(await rejectionOf(backend.replay())).toMatchObject({ code: "RECORD_TOO_LARGE" });
    await backend.append(ID, notes(2, 1));
    expect(await backend.load(ID)).toEqual([...notes(90, 1), ...notes(1, 2)]);
    primary.append = append;
    expect(await backend.replay()).toEqual({ primary: "there", waiting: [], refused: [] });
    expect(await primary.load(ID)).toEqual([...notes(90, 1), ...notes(1, 2), ...notes(0, 1)]);
  });

  it("a turn after a refused one is stored before later turns, even if that takes long", async () => {
    const backend = open();
    primary.fate = () => "away";
    await backend.append(ID, notes(0, 1));
    await backend.append(ID, notes(1, 1));
    const append = primary.append.bind(primary);
    const slow = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    primary.append = async (id, records, ...rest) => {
      const [{ n } = { n: -1 }] = records;
      if (n === 0) throw new MemoryError("RECORD_TOO_LARGE", "Too large.");
      if (n === 1) {
        reached.resolve();
        await slow.promise;
      }
      return append(id, records, ...rest);
    };
    primary.fate = () => "made";
    await reached.promise;
    const later = backend.append(ID, notes(2, 1));
    await new Promise(setImmediate);
    slow.resolve();
    await later;
    expect(await primary.load(ID)).toEqual(notes(1, 2));
  });

  it("a turn that it always refuses can be discarded, and is returned", async () => {
    const backend = open();
    primary.fate = () => "away";
    await backend.append(ID, notes(0, 2));
    primary.append = async () => Promise.reject(new MemoryError("RECORD_TOO_LARGE", "Too large."));
    primary.fate = () => "made";
    while (backend.status().refused.length === 0) await new Promise(setImmediate);
    expect(await backend.discard(ID)).toEqual([notes(0, 2)]);
    expect(await backend.replay()).toEqual({ primary: "there", waiting: [], refused: [] });
    expect(await secondary.load(ID)).toEqual([]);
  });

  it("a turn that it could not store for a while is tried again automatically", async () => {
    const backend = open();
    primary.fate = () => "away";
    await backend.append(ID, notes(0, 1));
    const append = primary.append.bind(primary);
    let refusals = 0;
    primary.append = async (...args) => {
      if (refusals++ < 3) throw new MemoryError("CAPACITY", "Full.", { retryable: true });
      return append(...args);
    };
    primary.fate = () => "made";
    await settled(backend);
    expect(await primary.load(ID)).toEqual(notes(0, 1));
  });

  it("a turn that waits after fewer failures than count as unavailable is stored automatically", async () => {
    const backend = withFallback(primary, secondary, { probeMs: 5, failures: 3 });
    opened.push(backend);
    let failures = 0;
    primary.fate = (method) => (method === "append" && failures++ < 2 ? "away" : "made");
    await backend.append(ID, notes(0, 1));
    expect(backend.status().primary).toBe("there");
    await settled(backend);
    expect(await primary.load(ID)).toEqual(notes(0, 1));
  });

  it("a memory that is deleted is gone, with its waiting turns", async () => {
    const backend = open();
    primary.fate = () => "away";
    await backend.append(ID, notes(0, 1));
    primary.append = async () => Promise.reject(new MemoryError("CAPACITY", "Full."));
    primary.fate = () => "made";
    while (backend.status().primary === "away") await new Promise(setImmediate);
    await backend.delete(ID);
    await backend.replay();
    expect(await primary.load(ID)).toBeNull();
    expect(await secondary.load(ID)).toBeNull();
    expect(await backend.list()).toEqual([]);
  });

  it("the waiting turns are reported", async () => {
    const states: FallbackStatus[] = [];
    const backend = open((status) => states.push(status));
    const events = await eventsDuring(async () => {
      primary.fate = () => "away";
      await backend.append(ID, notes(0, 1));
      primary.fate = () => "made";
      await settled(backend);
    });
    expect(states.map(({ primary: state }) => state)).toEqual(expect.arrayContaining(["away", "there"]));
    expect(states).toContainEqual({ primary: "away", waiting: [ID], refused: [] });
    const details = events.flatMap((event) => (event.type === "warning" ? [event.detail] : []));
    expect(details).toEqual([
      expect.stringContaining("is unavailable"),
      expect.stringContaining("is back"),
      expect.stringContaining("all waiting turns are stored"),
    ]);
  });
});

describe("a status handler", () => {
  it.each([
    [
      "throws",
      () => {
        throw new TypeError("secret");
      },
    ],
    ["rejects", async () => Promise.reject(new TypeError("secret"))],
  ])("that %s causes a warning, and nothing else", async (_how, onStatus) => {
    const backend = open(onStatus);
    const events = await eventsDuring(async () => {
      primary.fate = () => "away";
      await backend.append(ID, notes(0, 1));
      primary.fate = () => "made";
      await settled(backend);
    });
    expect(await primary.load(ID)).toEqual(notes(0, 1));
    const details = events.map((event) => (event.type === "warning" ? event.detail : ""));
    expect(details).toContainEqual(expect.stringContaining("the onStatus handler failed"));
    expect(details.join()).not.toContain("secret");
  });
});

describe("a time limit set by the caller", () => {
  it("says nothing about the primary", async () => {
    const backend = open();
    const read = primary.read.bind(primary);
    primary.read = async (id, options) => {
      if (id !== "slow") return read(id, options);
      return new Promise((_resolve, reject) =>
        options?.signal?.addEventListener("abort", () => reject(options.signal?.reason)),
      );
    };
    const impatient = withTimeout(backend, 20);
    expect(await rejectionOf(impatient.read("slow", { last: 1 }))).toMatchObject({ code: "UNAVAILABLE" });
    expect(backend.status().primary).toBe("there");
  });
});

describe("closing", () => {
  it("waits for calls in flight, and closes the secondary even if closing the primary fails", async () => {
    const backend = withFallback(primary, secondary);
    const failure = new Error("no");
    primary.close = async () => Promise.reject(failure);
    let isClosed = false;
    secondary.close = async () => {
      isClosed = true;
    };
    const appending = backend.append(ID, notes(0, 1));
    expect(await rejectionOf(backend.close())).toBe(failure);
    await appending;
    expect(isClosed).toBe(true);
    expect(await rejectionOf(backend.append(ID, notes(1, 1)))).toMatchObject({ code: "CLOSED" });
  });
});

describe("a delete", () => {
  it("that fails at the secondary has an unknown outcome, and can be repeated", async () => {
    const backend = open();
    await backend.append(ID, notes(0, 1));
    secondary.fate = (method) => (method === "delete" ? "away" : "made");
    expect(await rejectionOf(backend.delete(ID))).toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
    secondary.fate = () => "made";
    await backend.delete(ID);
    expect(await backend.load(ID)).toBeNull();
  });

  it("that is aborted after it has begun is completed", async () => {
    const backend = open();
    primary.fate = () => "away";
    await backend.append(ID, notes(0, 1));
    primary.append = async () => Promise.reject(new MemoryError("CAPACITY", "Full."));
    primary.fate = () => "made";
    while (backend.status().refused.length === 0) await new Promise(setImmediate);
    const controller = new AbortController();
    secondary.fate = (method) => {
      if (method === "read") controller.abort(new Error("enough"));
      return "made";
    };
    await backend.delete(ID, { signal: controller.signal });
    expect(controller.signal.aborted).toBe(true);
    expect(await secondary.load(ID)).toBeNull();
    expect(backend.status().waiting).toEqual([]);
  });
});

describe("another process", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "deep-agent-fallback-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("stores the turns that an earlier one left, before it reads or writes that memory", async () => {
    const store = (name: string) => new FileBackend<Note>(join(directory, name));
    const broken = store("primary");
    broken.append = async () => Promise.reject(away({ outcome: "not-applied" }));
    const first = withFallback(broken, store("spare") as FileBackend<object>);
    for (let n = 0; n < 3; n++) await first.append(ID, notes(n, 1));
    await first.close();
    const second = withFallback(store("primary"), store("spare") as FileBackend<object>);
    await second.append(ID, notes(3, 1));
    expect(await second.load(ID)).toEqual(notes(0, 4));
    expect(await second.list()).toEqual([ID]);
    await second.close();
    expect(await store("spare").load(ID)).toEqual([]);
  });

  it("may store the same turns as others at the same time: they are stored once", async () => {
    const store = (name: string) => new FileBackend<Note>(join(directory, name));
    const broken = store("primary");
    broken.append = async () => Promise.reject(away({ outcome: "not-applied" }));
    const first = withFallback(broken, store("spare") as FileBackend<object>);
    for (let n = 0; n < 10; n++) await first.append(ID, notes(n, 1));
    await first.close();
    const others = Array.from({ length: 4 }, () =>
      withFallback(store("primary"), store("spare") as FileBackend<object>),
    );
    await Promise.all(others.map((other) => other.load(ID)));
    for (const other of others) expect(await other.load(ID)).toEqual(notes(0, 10));
    for (const other of others) await other.close();
  });
});

describe("a turn that comes while others are stored", () => {
  it("from another process is not removed with them", async () => {
    const backend = open();
    primary.fate = () => "away";
    for (let n = 0; n < 3; n++) await backend.append(ID, notes(n, 1));
    const blind = new TroubledBackend();
    blind.fate = () => "away";
    const other = withFallback(blind, secondary, { probeMs: 60_000 });
    const save = secondary.save.bind(secondary);
    let saves = 0;
    secondary.save = async (...args) => {
      if (saves++ === 0) await other.append(ID, notes(7, 1));
      return save(...args);
    };
    primary.fate = () => "made";
    await settled(backend);
    expect(await primary.load(ID)).toEqual([...notes(0, 3), ...notes(7, 1)]);
    expect(saves).toBe(2);
  });

  it.each(["before the log is searched for the turn", "after that"])(
    "and that another process stores among many others, %s, is found",
    async (when) => {
      const backend = open();
      await primary.append(ID, notes(0, 1));
      primary.fate = () => "away";
      await backend.append(ID, notes(5, 1), { operationId: "op", since: "of a log that was replaced" });
      const append = primary.append.bind(primary);
      const elsewhere = async (): Promise<void> => {
        await append(ID, notes(5, 1), { operationId: "op" });
        for (let n = 0; n < 70; n++) await append(ID, notes(100 + n, 1));
      };
      let appends = 0;
      primary.append = async (...args) => {
        appends += 1;
        if (when === "after that" && appends === 2) await elsewhere();
        try {
          return await append(...args);
        } catch (error) {
          if (when !== "after that" && appends === 1) await elsewhere();
          throw error;
        }
      };
      primary.fate = () => "made";
      await settled(backend);
      expect(appends).toBeGreaterThan(1);
      expect((await primary.load(ID))?.filter(({ n }) => n === 5)).toHaveLength(1);
    },
  );
});

describe("a fallback", () => {
  it("needs two stores with a log, and valid options", () => {
    const { load, save, delete: remove, list } = primary;
    const plain = { load, save, delete: remove, list } as unknown as InMemoryBackend<Note>;
    for (const make of [
      () => withFallback(plain, secondary),
      () => withFallback(primary, plain as InMemoryBackend<object>),
      () => withFallback(primary, secondary, { probeMs: 0 }),
      () => withFallback(primary, secondary, { probeMs: 2 ** 31 }),
      () => withFallback(primary, secondary, { onStatus: 5 as unknown as () => void }),
      () => withFallback(primary, primary as InMemoryBackend<object> as InMemoryBackend<Note>),
      () => withFallback(primary, secondary, { failures: 1.5 }),
      () => withFallback(primary, secondary, { probe: 1 } as object),
    ])
      expect(make).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    const notABackend = {} as InMemoryBackend<Note>;
    expect(() => withFallback(notABackend, secondary)).toThrow("its first argument is not a backend");
    expect(() => withFallback(primary, notABackend)).toThrow("its second argument is not a backend");
  });

  it("uses the primary if the secondary cannot be listed, reports that, and tries again", async () => {
    await withFallback(new TroubledBackend(), secondary).close();
    secondary = new TroubledBackend<object>();
    secondary.fate = () => "away";
    const backend = open();
    const events = await eventsDuring(async () => expect(await backend.load(ID)).toBeNull());
    expect(events).toContainEqual(expect.objectContaining({ detail: expect.stringContaining("cannot be listed") }));
    secondary.fate = () => "made";
    secondary.calls.length = 0;
    while (!secondary.calls.includes("list")) {
      await backend.load(ID);
      await once(AbortSignal.timeout(1), "abort");
    }
  });

  it("finds the turns that an earlier process left, even if the secondary cannot be listed", async () => {
    const blind = new TroubledBackend();
    blind.fate = () => "away";
    const earlier = withFallback(blind, secondary, { probeMs: 60_000 });
    await earlier.append(ID, notes(0, 1));
    secondary.fate = (method) => (method === "list" ? "away" : "made");
    const backend = open();
    await backend.append(ID, notes(1, 1));
    expect(await primary.load(ID)).toEqual(notes(0, 2));
  });

  it("lists the secondary again automatically, if that failed", async () => {
    const blind = new TroubledBackend();
    blind.fate = () => "away";
    await withFallback(blind, secondary, { probeMs: 60_000 }).append(ID, notes(0, 1));
    secondary.fate = (method) => (method === "list" ? "away" : "made");
    const backend = open();
    await backend.load("another");
    secondary.fate = () => "made";
    while ((await primary.load(ID)) === null) await new Promise(setImmediate);
    expect(await primary.load(ID)).toEqual(notes(0, 1));
  });

  it("neither returns nor discards a turn that was stored already", async () => {
    const backend = open();
    primary.fate = () => "away";
    await backend.append(ID, notes(0, 1));
    secondary.fate = (method) => (method === "save" ? "away" : "made");
    primary.fate = () => "made";
    while ((await primary.load(ID)) === null) await new Promise(setImmediate);
    primary.fate = () => "away";
    await backend.append("bob", notes(0, 1));
    expect(await backend.read(ID, { last: 5 })).toMatchObject({ records: [] });
    secondary.fate = () => "made";
    expect(await backend.discard(ID)).toEqual([]);
  });

  it("stops probing and reporting after it was closed", async () => {
    const states: FallbackStatus[] = [];
    const backend = withFallback(primary, secondary, { probeMs: 1, onStatus: (status) => states.push(status) });
    const read = Promise.withResolvers<never>();
    primary.read = () => read.promise;
    const reading = backend.read(ID, { last: 1 });
    while (!secondary.calls.includes("list")) await new Promise(setImmediate);
    await new Promise(setImmediate);
    const closing = backend.close();
    read.reject(away({ outcome: "not-applied" }));
    await reading;
    await closing;
    primary.calls.length = 0;
    states.length = 0;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(primary.calls).toEqual([]);
    expect(states).toEqual([]);
  });

  it("removes nothing from a secondary that is used for something else", async () => {
    await secondary.save(ID, [{ something: "else" }]);
    const backend = open();
    expect(await rejectionOf(backend.replay())).toMatchObject({ code: "CORRUPT" });
    primary.fate = () => "away";
    expect(await rejectionOf(backend.append(ID, notes(0, 1)))).toMatchObject({
      code: "UNAVAILABLE",
      cause: expect.objectContaining({ code: "CORRUPT" }),
    });
    expect(await secondary.load(ID)).toEqual([{ something: "else" }]);
  });
});
