import { beforeEach, describe, expect, it } from "@jest/globals";
import { MemoryError, mayHaveTakenEffect, type Outcome, storeOnce, withUnknownOutcome } from "../src/adapter.ts";
import { Agent, type ChatModel, user } from "../src/index.ts";
import { ID, open, texts, turn } from "./support/conversations.ts";
import { ReferenceLog } from "./support/reference-log.ts";

const APPEND = "append";

let log: ReferenceLog;
beforeEach(() => {
  log = new ReferenceLog();
});

/** Makes the nth call of a method fail with the nth of these errors. `undefined`: the call is made. */
function failing(method: string, ...errors: (unknown | undefined)[]): void {
  log.around = async (called, call) => {
    const error = called === method ? errors.shift() : undefined;
    if (error !== undefined) throw error;
    return call();
  };
}

const error = (
  outcome: Outcome,
  code: "UNAVAILABLE" | "CONFLICT" | "RECORD_TOO_LARGE" | "DURABILITY" = "UNAVAILABLE",
) => new MemoryError(code, `It failed (${code}).`, { outcome, retryable: true, hint: "Try again." });

async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => new Error("It did not reject."),
    (reason: unknown) => reason,
  );
}

describe("the error of a call of which an earlier part may have taken effect", () => {
  it("says `unknown` if the last part says `not-applied`, and why", () => {
    const told = withUnknownOutcome(error("not-applied"));
    expect(told).toMatchObject({ code: "UNAVAILABLE", outcome: "unknown", retryable: true, hint: "Try again." });
    expect(told.message).toBe(
      "It failed (UNAVAILABLE). An earlier part of this call may have taken effect. Try again.",
    );
  });

  it("is unchanged if it says that the write was made or may be, is a foreign error, or the signal's reason", () => {
    for (const one of [error("unknown"), error("applied"), new TypeError("a bug"), undefined])
      expect(withUnknownOutcome(one)).toBe(one);
    const reason = error("not-applied");
    const controller = new AbortController();
    expect(withUnknownOutcome(reason, controller.signal)).not.toBe(reason);
    controller.abort(reason);
    expect(withUnknownOutcome(reason, controller.signal)).toBe(reason);
  });

  it("is told by whether a failed part may have taken effect", () => {
    expect([error("not-applied"), error("unknown"), error("applied"), new Error("?")].map(mayHaveTakenEffect)).toEqual([
      false,
      true,
      true,
      true,
    ]);
  });
});

describe("storing an operation once tells the outcome of all its attempts", () => {
  const operation = () => ({ records: [user("one")], operationId: "turn-1", since: null });

  it.each([
    ["append", [error("unknown", "CONFLICT"), error("not-applied")]],
    ["append", [error("unknown", "CONFLICT"), error("not-applied", "RECORD_TOO_LARGE")]],
    ["append", [error("unknown", "CONFLICT"), error("not-applied", "CONFLICT"), error("not-applied")]],
  ])("%s: %j", async (method, errors) => {
    failing(method, ...errors);
    expect(await rejectionOf(storeOnce(log, ID, operation()))).toMatchObject({ outcome: "unknown" });
  });

  it("also if the search for it fails", async () => {
    log.around = async (method) => {
      throw method === APPEND ? error("unknown", "CONFLICT") : error("not-applied");
    };
    expect(await rejectionOf(storeOnce(log, ID, operation()))).toMatchObject({
      code: "UNAVAILABLE",
      outcome: "unknown",
    });
  });

  it("and `not-applied` if none can have taken effect", async () => {
    const last = error("not-applied");
    failing(APPEND, error("not-applied", "CONFLICT"), last);
    expect(await rejectionOf(storeOnce(log, ID, operation()))).toBe(last);
  });

  it("and the signal's reason after an abort", async () => {
    const controller = new AbortController();
    const reason = error("not-applied");
    log.around = async (method) => {
      if (method === APPEND) throw error("unknown", "CONFLICT");
      controller.abort(reason);
      throw reason;
    };
    const { signal } = controller;
    expect(await rejectionOf(storeOnce(log, ID, operation(), { signal }))).toBe(reason);
  });
});

describe("a turn that is tried again in a later call", () => {
  it("is told as unknown as soon as one attempt may have stored it", async () => {
    const { conversation } = open(log);
    await conversation.sync();
    failing(APPEND, error("not-applied"), error("unknown"), error("not-applied"), error("not-applied"));
    const outcomes: unknown[] = [];
    for (const call of [() => conversation.commit(turn("one")), ...Array(3).fill(() => conversation.flush())])
      outcomes.push(((await rejectionOf(call())) as MemoryError).outcome);
    expect(outcomes).toEqual(["not-applied", "unknown", "unknown", "unknown"]);
    await conversation.flush();
    expect(texts(log.records(ID))).toEqual(["one", "re: one"]);
  });

  it("is dropped if it can never be stored, and its error says that it may be stored", async () => {
    const { conversation } = open(log, { onConflict: "throw" });
    await conversation.sync();
    failing(APPEND, error("unknown"), error("not-applied", "RECORD_TOO_LARGE"));
    await rejectionOf(conversation.commit(turn("one")));
    expect(await rejectionOf(conversation.flush())).toMatchObject({ code: "RECORD_TOO_LARGE", outcome: "unknown" });
    expect(conversation.pending).toBe(0);
  });

  it("rejects with the signal's reason after an abort, as it is", async () => {
    const { conversation } = open(log);
    await conversation.sync();
    const controller = new AbortController();
    const reason = error("not-applied");
    failing(APPEND, error("unknown"));
    await rejectionOf(conversation.commit(turn("one")));
    log.around = async () => {
      controller.abort(reason);
      throw reason;
    };
    expect(await rejectionOf(conversation.flush({ signal: controller.signal }))).toBe(reason);
  });
});

describe("saving several memories tells the outcome of all", () => {
  const silent: ChatModel = {
    async *generate() {
      yield { type: "text", text: "yes" };
      yield { type: "finish" };
    },
  };

  it.each<[Outcome[], Outcome]>([
    [["not-applied"], "not-applied"],
    [["not-applied", "not-applied"], "not-applied"],
    [["not-applied", "unknown"], "unknown"],
    [["unknown", "not-applied"], "unknown"],
    [["applied"], "applied"],
    [["applied", "not-applied"], "unknown"],
  ])("%j: %s", async (outcomes, expected) => {
    const agent = new Agent({ model: silent, backend: log, autoSaveLongMemory: false, longMemory: "m0" });
    for (const n of outcomes.keys()) {
      agent.withLongMemory(`m${n}`);
      await agent.ask("hello");
    }
    failing(APPEND, ...outcomes.map((outcome) => error(outcome, outcome === "applied" ? "DURABILITY" : "UNAVAILABLE")));
    expect(await rejectionOf(agent.saveLongMemory())).toMatchObject({ code: "SAVE_FAILED", outcome: expected });
  });
});
