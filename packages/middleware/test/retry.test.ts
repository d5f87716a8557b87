import { MemoryError } from "@deep-agent/core";
import { beforeEach, describe, expect, it } from "@jest/globals";
import { withRetry } from "../src/index.ts";
import { type Fate, type Note, notes, rejectionOf, TroubledBackend } from "./support/stores.ts";

const ID = "alice";

let store: TroubledBackend;

beforeEach(() => {
  store = new TroubledBackend();
});

function retrying(options: object = {}) {
  return withRetry(store, { pauseMs: 1, ...options });
}

/** The fates of a method's calls, in order. All later calls are made. */
function fates(method: string, ...list: Fate[]): void {
  store.fate = (called) => (called === method ? (list.shift() ?? "made") : "made");
}

describe("a failed call is made again", () => {
  it("if it only reads", async () => {
    await store.save(ID, notes(0, 1));
    for (const [method, call] of Object.entries({
      load: () => retrying().load(ID),
      read: () => retrying().read(ID),
      list: () => retrying().list(),
      ping: () => retrying().ping(),
    })) {
      fates(method, "away", "lost", "away");
      store.calls.length = 0;
      await call();
      expect(store.calls).toEqual(Array(4).fill(method));
    }
  });

  it("if it is an append with `since`, whose records are then stored once", async () => {
    const since = await store.append(ID, notes(0, 1));
    fates("append", "lost", "away", "lost");
    const revision = await retrying().append(ID, notes(1, 1), { since });
    expect(await store.load(ID)).toEqual(notes(0, 2));
    expect((await store.read(ID))?.revision).toBe(revision);
  });

  it("if it is a save that may have been made, which then takes effect once", async () => {
    fates("save", "lost");
    const save = store.save.bind(store);
    let saves = 0;
    store.save = async (...args) => {
      await save(...args).finally(async () => {
        if (saves++ === 0) await store.append(ID, notes(7, 1));
      });
    };
    await retrying().save(ID, notes(0, 2));
    // What another writer appended in between stays.
    expect(await store.load(ID)).toEqual([...notes(0, 2), ...notes(7, 1)]);
  });

  it("with the original records, whatever the caller has done with them since", async () => {
    fates("append", "away");
    const records: Note[] = [{ n: 1 }];
    const appending = retrying().append(ID, records);
    (records[0] as Note).n = 2;
    await appending;
    expect(await store.load(ID)).toEqual([{ n: 1 }]);
  });
});

describe("a failed call is left to the caller", () => {
  it("if it is an append without `since` that may have been made", async () => {
    fates("append", "lost");
    expect(await rejectionOf(retrying().append(ID, notes(0, 1)))).toMatchObject({ outcome: "unknown" });
    fates("append", "away");
    await retrying().append(ID, notes(1, 1));
    expect(await store.load(ID)).toEqual(notes(0, 2));
  });

  it("if it is a delete that may have been made", async () => {
    fates("delete", "lost");
    expect(await rejectionOf(retrying().delete(ID))).toMatchObject({ outcome: "unknown" });
    fates("delete", "away");
    await retrying().delete(ID);
    expect(store.calls).toEqual(["delete", "delete", "delete"]);
  });

  it("if it is a save that may have been made, on a store without a log", async () => {
    const plain = {
      load: store.load.bind(store),
      save: store.save.bind(store),
      delete: store.delete.bind(store),
      list: store.list.bind(store),
    };
    fates("save", "lost");
    expect(await rejectionOf(withRetry(plain, { pauseMs: 1 }).save(ID, notes(0, 1)))).toMatchObject({
      outcome: "unknown",
    });
  });

  it("if the error is not retryable", async () => {
    store.load = async () => Promise.reject(new MemoryError("CORRUPT", "Broken."));
    let calls = 0;
    store.list = async () => {
      calls += 1;
      throw new TypeError("a bug");
    };
    expect(await rejectionOf(retrying().load(ID))).toMatchObject({ code: "CORRUPT" });
    expect(await rejectionOf(retrying().list())).toBeInstanceOf(TypeError);
    expect(calls).toBe(1);
  });

  it("after the last attempt", async () => {
    store.fate = () => "away";
    expect(await rejectionOf(retrying({ attempts: 3 }).load(ID))).toMatchObject({ code: "UNAVAILABLE" });
    expect(store.calls).toEqual(["load", "load", "load"]);
  });

  it("after it was aborted, even between two attempts", async () => {
    store.fate = () => "away";
    const controller = new AbortController();
    const reason = new Error("enough");
    const loading = rejectionOf(
      retrying({ pauseMs: 60_000, longestPauseMs: 60_000 }).load(ID, { signal: controller.signal }),
    );
    while (store.calls.length === 0) await new Promise(setImmediate);
    controller.abort(reason);
    expect(await loading).toBe(reason);
    expect(store.calls).toEqual(["load"]);
  });
});

describe("the error after the last attempt tells the outcome of all attempts", () => {
  const write = (since: string, options: object = {}) => retrying(options).append(ID, notes(1, 1), { since });

  it.each<[Fate[], string]>([
    [["away", "away", "away", "away"], "not-applied"],
    [["lost", "away", "away", "away"], "unknown"],
    [["away", "lost", "away", "away"], "unknown"],
    [["away", "away", "away", "lost"], "unknown"],
  ])("an append that was %j: %s", async (list, outcome) => {
    const since = await store.append(ID, notes(0, 1));
    fates("append", ...list);
    const error = await rejectionOf(write(since));
    expect(error).toMatchObject({ code: "UNAVAILABLE", outcome, retryable: true });
    expect(String(error).includes("may have taken effect")).toBe(outcome === "unknown" && list.at(-1) === "away");
    expect(store.calls.length).toBe(5);
    expect(await store.load(ID)).toEqual(notes(0, list.includes("lost") ? 2 : 1));
  });

  it("a save, too", async () => {
    fates("save", "lost", "away");
    expect(await rejectionOf(retrying({ attempts: 2 }).save(ID, notes(0, 1)))).toMatchObject({ outcome: "unknown" });
    fates("save", "away", "away");
    expect(await rejectionOf(retrying({ attempts: 2 }).save(ID, notes(1, 1)))).toMatchObject({
      outcome: "not-applied",
    });
  });

  it("also if the last one is refused for another reason", async () => {
    const since = await store.append(ID, notes(0, 1));
    const append = store.append.bind(store);
    for (const code of ["CONFLICT", "UNAUTHORIZED", "RECORD_TOO_LARGE"] as const) {
      let calls = 0;
      store.append = async (...args) => {
        if (calls++ > 0) throw new MemoryError(code, "No.");
        await append(...args);
        throw new MemoryError("UNAVAILABLE", "No reply.", { outcome: "unknown", retryable: true });
      };
      expect(await rejectionOf(write(since))).toMatchObject({ code, outcome: "unknown" });
    }
  });

  it("and says that a write was made if the last one says so", async () => {
    const since = await store.append(ID, notes(0, 1));
    const outcomes = ["unknown", "applied"] as const;
    let calls = 0;
    store.append = async () => {
      throw new MemoryError("UNAVAILABLE", "No.", { outcome: outcomes[calls] ?? "unknown", retryable: calls++ === 0 });
    };
    expect(await rejectionOf(write(since))).toMatchObject({ outcome: "applied" });
  });

  it("and a failed read says `not-applied`", async () => {
    fates("load", "lost", "away", "lost", "away");
    expect(await rejectionOf(retrying().load(ID))).toMatchObject({ outcome: "not-applied" });
  });

  it("and is the signal's reason after an abort, whatever the attempts before it did", async () => {
    const since = await store.append(ID, notes(0, 1));
    store.calls.length = 0;
    fates("append", "lost");
    const controller = new AbortController();
    const reason = new MemoryError("UNAVAILABLE", "The user left.");
    const options = { pauseMs: 60_000, longestPauseMs: 60_000 };
    const appending = rejectionOf(
      withRetry(store, options).append(ID, notes(1, 1), { since, signal: controller.signal }),
    );
    while (store.calls.length === 0) await new Promise(setImmediate);
    controller.abort(reason);
    expect(await appending).toBe(reason);
    expect(await store.load(ID)).toEqual(notes(0, 2));
  });
});

describe("retries", () => {
  it("reject invalid numbers", () => {
    for (const options of [{ attempts: 0 }, { pauseMs: 0 }, { pauseMs: 10, longestPauseMs: 9 }, { retries: 3 }])
      expect(() => withRetry(store, options)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });
});
