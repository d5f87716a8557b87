import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { assistant, Conversation, type Message, user } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { encodeHeader } from "../src/header.ts";
import { FileBackend } from "../src/index.ts";
import { encodeAppend } from "../src/log-writing.ts";
import { pathOf, temporaryDirectory } from "./support/backends.ts";
import { watched } from "./support/watched-file-system.ts";

const ID = "user-alice";
const WINDOW = 20;
const TEXT = "The quick brown fox jumps over the lazy dog. ".repeat(9); // about 500 bytes with the rest of a message

interface Cost {
  read: number;
  written: number;
  calls: number;
}

function turn(): Message[] {
  return [user(TEXT), assistant(TEXT)];
}

/** A memory of this many messages, in turns of two, and the cost of every call to its backend. */
async function memoryOf(
  messages: number,
): Promise<{ backend: FileBackend; costOf: (task: () => Promise<unknown>) => Promise<Cost> }> {
  let cost: Cost = { read: 0, written: 0, calls: 0 };
  const fileSystem = watched(({ name, bytes }) => {
    cost.calls += 1;
    if (name === "file.read") cost.read += bytes;
    if (name === "file.write") cost.written += bytes;
    return undefined;
  });
  const backend = new FileBackend({ directory: join(temporaryDirectory(), "memories"), fileSystem });
  await backend.ping();
  const chunks = [encodeHeader(ID, "epoch", 1)];
  let size = chunks[0]?.length ?? 0;
  for (let at = 0; at < messages; at += 2) {
    const { bytes } = encodeAppend(
      ID,
      `op-${at}`,
      turn().map((message) => JSON.stringify(message)),
      size,
    );
    chunks.push(bytes);
    size += bytes.length;
  }
  writeFileSync(pathOf(backend, `${ID}.1.jsonl`), Buffer.concat(chunks));
  return {
    backend,
    async costOf(task) {
      cost = { read: 0, written: 0, calls: 0 };
      await task();
      return { ...cost };
    },
  };
}

/** The cost of the first window, and of each of some turns after it. */
async function measure(messages: number): Promise<{ first: Cost; turns: Cost[] }> {
  const { backend, costOf } = await memoryOf(messages);
  const conversation = new Conversation({ memoryId: ID, backend, maxMessages: WINDOW });
  const first = await costOf(() => conversation.sync());
  expect(conversation.messages).toHaveLength(WINDOW);
  const turns: Cost[] = [];
  for (let n = 0; n < 5; n++) {
    turns.push(
      await costOf(async () => {
        await conversation.sync();
        await conversation.commit(turn());
      }),
    );
  }
  expect((await backend.info(ID))?.records).toBe(messages + 10);
  return { first, turns };
}

describe("a turn costs the same however long the conversation is", () => {
  it("in a memory of 100,000 messages as in one of 100", async () => {
    const short = await measure(100);
    const long = await measure(100_000);
    console.info(
      "A window of 20 messages and a turn, among 100:",
      short.first,
      short.turns[1],
      "among 100,000:",
      long.first,
      long.turns[1],
    );
    for (const [index, cost] of long.turns.entries()) {
      const { read, written, calls } = short.turns[index] ?? { read: 0, written: 0, calls: 0 };
      expect(cost.read).toBeLessThan(64 * 1024);
      expect(cost.written).toBeLessThan(4 * 1024);
      expect(Math.abs(cost.read - read)).toBeLessThan(read / 10);
      expect(Math.abs(cost.written - written)).toBeLessThan(written / 10);
      expect(cost.calls).toBe(calls);
      expect(cost.calls).toBeLessThanOrEqual(32);
    }
    expect(long.first.read).toBeLessThan(64 * 1024);
    expect(Math.abs(long.first.read - short.first.read)).toBeLessThan(short.first.read / 10);
  });

  it("and so does an append without `since`", async () => {
    const { backend, costOf } = await memoryOf(20_000);
    await backend.read(ID, { last: 1 });
    const { read, written } = await costOf(() => backend.append(ID, turn()));
    expect(read).toBeLessThan(256 * 1024);
    expect(written).toBeLessThan(4 * 1024);
  });
});
