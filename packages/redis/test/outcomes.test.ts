import type { Outcome } from "@deep-agent/core/adapter";
import { describe, expect, it } from "@jest/globals";
import { Calls } from "../src/calls/calls.ts";
import { CommandRefused, NoReply } from "../src/wire/failures.ts";
import { rejectionOf } from "./support/backends.ts";

/** A failure that may pass: the call is then tried again, as another server may have taken over. */
const refused = (outcome: Outcome) => new CommandRefused("READONLY You can't write against a replica.", outcome);
const final = (outcome: Outcome) => new CommandRefused("OOM command not allowed", outcome);
const unsent = () => new NoReply(false, new Error("connect ECONNREFUSED"));
const lost = () => new NoReply(true, new Error("Socket closed"));

/** Makes a call whose nth attempt fails with the nth of these errors. Resolves to its rejection. */
async function outcomeOf(...failures: Error[]): Promise<unknown> {
  const calls = new Calls("localhost:6379", 2_000, true);
  const seen: boolean[] = [];
  const call = { verb: "append to", memoryId: "alice", writes: true, signal: undefined };
  const error = await rejectionOf(
    calls.run(call, async (_deadline, again) => {
      seen.push(again);
      throw failures[seen.length - 1] ?? final("not-applied");
    }),
  );
  return { outcome: (error as { outcome?: unknown }).outcome, again: seen.at(-1) };
}

describe("the error of a write tells the outcome of all its attempts", () => {
  it.each<[string, Error[], Outcome, boolean]>([
    ["none was sent", [unsent(), unsent(), final("not-applied")], "not-applied", false],
    ["one was sent and lost", [lost(), final("not-applied")], "unknown", true],
    ["one was lost, later ones never sent", [lost(), unsent(), final("not-applied")], "unknown", true],
    ["one was refused half done", [refused("unknown"), final("not-applied")], "unknown", true],
    ["one was made, and refused afterwards", [refused("applied"), unsent(), final("not-applied")], "unknown", true],
    ["all were refused", [refused("not-applied"), final("not-applied")], "not-applied", false],
    ["the last was made", [lost(), final("applied")], "applied", true],
    ["the only one was made", [final("applied")], "applied", false],
  ])("%s", async (_what, failures, outcome, again) => {
    expect(await outcomeOf(...failures)).toEqual({ outcome, again });
  });
});
