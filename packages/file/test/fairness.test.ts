import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Message, user } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { FileBackend } from "../src/index.ts";
import { nodeFileSystem } from "../src/testing.ts";
import { temporaryDirectory } from "./support/backends.ts";

/** Far more calls than can be made before a timer of 1 ms is due. */
const MOST_CALLS = 20_000;

/** Makes one call after the other until a timer has run, and answers whether it ran. */
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

describe("a caller that awaits one call after the other does not block the process", () => {
  const directory = join(temporaryDirectory(), "memories");
  const backend = new FileBackend<Message>({ directory, durability: "os" });

  it("by appends that are not flushed", async () => {
    await backend.append("a", [user("Hello")]); // making a file waits for the disk
    expect(await letsTimersRun(() => backend.append("a", [user("Hello")]))).toBe(true);
  });

  it("by reads", async () => {
    await backend.append("b", [user("Hello")]);
    expect(await letsTimersRun(() => backend.read("b", { last: 1 }))).toBe(true);
  });

  it("by reading the times of files, as a list does", async () => {
    expect(await letsTimersRun(() => nodeFileSystem.stat(directory))).toBe(true);
  });
});
