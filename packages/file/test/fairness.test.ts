import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Message, user } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { FileBackend } from "../src/index.ts";
import { nodeFileSystem } from "../src/testing.ts";
import { temporaryDirectory } from "./support/backends.ts";

/** More calls than can be made before a timer of 1 ms is due, by far. */
const MOST_CALLS = 20_000;

/** Makes one call after the other until a timer has had its turn, and answers whether it ever had. */
async function letsTimersRun(call: () => Promise<unknown>): Promise<boolean> {
  let isDue = false;
  const timer = delay(1).then(() => {
    isDue = true;
  });
  for (let calls = 0; calls < MOST_CALLS && !isDue; calls++) await call();
  const wasDue = isDue;
  await timer;
  return wasDue;
}

describe("who awaits one call after the other does not keep the process for himself", () => {
  const directory = join(temporaryDirectory(), "memories");
  const backend = new FileBackend<Message>({ directory, durability: "os" });

  it("by appends that are not flushed", async () => {
    await backend.append("a", [user("Hello")]); // to make a file waits for the disk
    expect(await letsTimersRun(() => backend.append("a", [user("Hello")]))).toBe(true);
  });

  it("by reads", async () => {
    await backend.append("b", [user("Hello")]);
    expect(await letsTimersRun(() => backend.read("b", { last: 1 }))).toBe(true);
  });

  it("by looking at files, as a list does", async () => {
    expect(await letsTimersRun(() => nodeFileSystem.stat(directory))).toBe(true);
  });
});
