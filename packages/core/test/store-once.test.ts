import { beforeEach, describe, expect, it } from "@jest/globals";
import { MemoryError, type Operation, storeOnce } from "../src/adapter.ts";
import { type Message, user } from "../src/index.ts";
import { ReferenceLog } from "./support/reference-log.ts";

const ID = "alice";

let log: ReferenceLog;
beforeEach(() => {
  log = new ReferenceLog();
});

function operation(records: readonly Message[], since: Operation["since"] = null): Operation<Message> {
  return { records, operationId: "turn-1", since };
}

/** The texts of the log. */
function said(): unknown[] {
  return log.records(ID)?.map(({ content }) => content) ?? [];
}

/** Runs `act` before the nth call of a method. */
function before(method: string, nth: number, act: () => Promise<unknown>): void {
  let seen = 0;
  log.around = async (called, call) => {
    if (called === method && ++seen === nth) {
      log.around = (_method, next) => next();
      await act();
    }
    return call();
  };
}

/** A message as an application may store it: without an `id`, so that it cannot be found again by it. */
function nameless(text: string): Message {
  const { id: _id, ...message } = user(text);
  return message as Message; // deliberately invalid
}

describe("an operation is stored once", () => {
  it("and resolves to the revision after it", async () => {
    const revision = await storeOnce(log, ID, operation([user("one")]));
    expect(said()).toEqual(["one"]);
    expect(revision).toBe((await log.read(ID))?.revision);
  });

  it("if a reply was lost, and it is tried again", async () => {
    const turn = operation([user("one")]);
    log.around = async (method, call) => {
      const result = await call();
      if (method === "append") throw new MemoryError("UNAVAILABLE", "The reply was lost.", { outcome: "unknown" });
      return result;
    };
    await expect(storeOnce(log, ID, turn)).rejects.toMatchObject({ code: "UNAVAILABLE" });
    log.around = (_method, call) => call();
    await storeOnce(log, ID, turn);
    expect(said()).toEqual(["one"]);
  });

  it("if another writer saved a history that holds it", async () => {
    const turn = operation([user("one"), user("two")]);
    await log.save(ID, [user("zero"), turn.records[1] as Message, user("three")]);
    const revision = await storeOnce(log, ID, turn);
    expect(said()).toEqual(["zero", "two", "three"]);
    expect(revision).toBe((await log.read(ID))?.revision);
  });

  it("after the current records, if the log was replaced", async () => {
    await log.append(ID, [user("zero")]);
    const since = (await log.read(ID))?.revision;
    await log.save(
      ID,
      Array.from({ length: 600 }, (_, n) => user(String(n))),
    );
    await storeOnce(log, ID, operation([user("one")], since));
    expect(said().slice(-2)).toEqual(["599", "one"]);
    expect(said()).toHaveLength(601);
  });

  it("and its `since` becomes that of the searched log, for the next attempt", async () => {
    await log.append(ID, [user("zero")]);
    const turn = operation([user("one")], null);
    const { revision } = (await log.read(ID)) ?? {};
    await storeOnce(log, ID, turn);
    expect(turn.since).toBe(revision);
  });

  it("if its memory is removed while it is searched", async () => {
    await log.save(
      ID,
      Array.from({ length: 600 }, (_, n) => user(String(n))),
    );
    before("read", 2, () => log.delete(ID));
    await storeOnce(log, ID, operation([user("one")]));
    expect(said()).toEqual(["one"]);
  });
});

describe("an operation that several processes store at the same time is stored once, even if its records have no ids", () => {
  const records = [nameless("one")];
  // The other process stores it between any two calls of this process.
  const steps = [...[1, 2].map((nth) => ["append", nth] as const), ...[1, 2, 3].map((nth) => ["read", nth] as const)];

  it.each(steps)("before %s number %i", async (method, nth) => {
    await log.append(ID, [user("zero")]);
    before(method, nth, () => storeOnce(log, ID, operation(records), { shared: true }));
    await storeOnce(log, ID, operation(records), { shared: true });
    expect(said()).toEqual(["zero", "one"]);
  });
});

describe("an operation that must not follow other writes", () => {
  it("is not stored after them", async () => {
    await log.append(ID, [user("zero")]);
    const since = (await log.read(ID))?.revision;
    await log.append(ID, [user("theirs")]);
    const turn = operation([user("one")], since);
    await expect(storeOnce(log, ID, turn, { unlessChanged: true })).rejects.toMatchObject({ code: "CONFLICT" });
    expect(said()).toEqual(["zero", "theirs"]);
    expect(turn.since).toBe(since);
  });

  it("is confirmed if it is already stored", async () => {
    const turn = operation([user("one")], null);
    await log.save(ID, [...turn.records]);
    await storeOnce(log, ID, turn, { unlessChanged: true });
    expect(said()).toEqual(["one"]);
  });
});

describe("a log that keeps changing", () => {
  it("is abandoned after some tries, and the operation can be tried again", async () => {
    log.around = async (method, call) => {
      const answer = await call();
      if (method === "read") log.logs.set(ID, { epoch: crypto.randomUUID(), entries: [] });
      return answer;
    };
    await log.append(ID, [user("zero")]);
    const storing = storeOnce(log, ID, operation([user("one")]));
    await expect(storing).rejects.toMatchObject({ code: "CONFLICT", outcome: "not-applied", retryable: true });
    expect(log.calls.filter(({ method }) => method === "append").length).toBeLessThan(10);
  });

  it("any other failure is passed on unchanged", async () => {
    const failure = new MemoryError("UNAUTHORIZED", "No.");
    log.around = async () => {
      throw failure;
    };
    await expect(storeOnce(log, ID, operation([user("one")]))).rejects.toBe(failure);
  });
});
