import { assistant, Conversation, type Message, user } from "@deep-agent/core";
import { type Counts, type LossyProxy, startProxy } from "@deep-agent/test-redis";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { useServer } from "./support/backends.ts";

const redis = useServer();

let proxy: LossyProxy;
beforeEach(async () => {
  proxy = await startProxy(redis.server);
});
afterEach(() => proxy[Symbol.asyncDispose]());

function message(n: number): Message {
  const text = "x".repeat(500);
  return n % 2 === 0 ? user(text) : assistant(text);
}

/** The bytes and commands of the first turn of a conversation in a memory with this many messages. */
async function costOfTurn(messages: number): Promise<Counts> {
  const backend = redis.open<Message>({ addr: proxy.addr });
  for (let n = 0; n < messages; n += 2) await backend.append("long", [message(0), message(1)]);
  // The first use of a script sends its text to the server. That is not counted.
  await backend.read("long", { last: 1 });
  const conversation = new Conversation({ memoryId: "long", backend, maxMessages: 20 });
  proxy.resetCounts();
  expect(await conversation.sync()).toHaveLength(20);
  await conversation.commit([message(0), message(1)]);
  const counts = proxy.counts;
  await backend.delete("long");
  return counts;
}

describe("the bytes of a turn do not depend on the size of the memory", () => {
  it("are less than 2 KB to Redis and 14 KB from it, at 10,000 messages as at 100", async () => {
    const short = await costOfTurn(100);
    const long = await costOfTurn(10_000);
    const shown = ({ sent, received }: Counts) => `${sent} bytes sent, ${received} received`;
    process.stdout.write(`a turn: ${shown(short)} at 100 messages, ${shown(long)} at 10,000\n`);
    expect(long.sent).toBeLessThan(2 * 1024);
    expect(long.received).toBeLessThan(14 * 1024);
    expect(Math.abs(long.sent / short.sent - 1)).toBeLessThan(0.1);
    expect(Math.abs(long.received / short.received - 1)).toBeLessThan(0.1);
    // Plain commands read the window, and a script writes the turn.
    expect(long.commands).toEqual({ LINDEX: 2, LLEN: 1, LRANGE: 1, EVALSHA: 1 });
  });

  it("and a load reads everything by one command", async () => {
    const backend = redis.open<Message>({ addr: proxy.addr });
    await backend.save("all", [message(0), message(1), message(2)]);
    proxy.resetCounts();
    expect(await backend.load("all")).toHaveLength(3);
    expect(proxy.counts.commands).toEqual({ LRANGE: 1 });
  });
});
