import { Conversation, type Message } from "@deep-agent/core";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { RedisBackend } from "../src/index.ts";
import { allOnce, count, Losses, retried, say, turn, turnsOf } from "./support/losses.ts";
import { type Place, places, type Topology, topologies } from "./support/topologies.ts";

/*
 * Like ambiguous.test.ts, on every client and topology. Many agents use one memory through several clients. The clients
 * now and then lose a reply or a request of a script, and with it their connection.
 */
const AGENTS = 32;
const CLIENTS = 4;

/** One of this many scripts is lost. */
const ONE_OF = 20;

/** How many replies, and how many requests, the clients of a kind lose. */
const EACH = 100;

/** A proxy cannot read what is encrypted. */
const isReadable = ({ on }: Topology): boolean => on !== "tls";

describe("a turn is stored once, in its writer's order, with any client that loses connections", () => {
  describe.each([...new Set(topologies.filter(isReadable).map(({ on }) => on))])("on %s", (on) => {
    let place: Place;
    beforeAll(async () => {
      place = await places[on]();
    });
    afterAll(async () => await place[Symbol.asyncDispose]());

    it.each(topologies.filter((one) => one.on === on).map((one) => [one.name, one] as const))(
      "%s",
      async (name, one) => {
        const losses = new Losses(["dropReply", "dropRequest"], EACH, ONE_OF);
        const clients = await Promise.all(Array.from({ length: CLIENTS }, () => one.open(place)));
        const backends = clients.map(({ backend }) => backend<Message>({ prefix: `${name}:`, timeoutMs: 10_000 }));
        // The first turn is stored before anything is lost: an attempt that is lost first takes half of the time.
        await backends[0]?.append("all", turn("first"));
        place.proxies.rule = losses.rule;
        const acknowledged = await Promise.all(
          Array.from({ length: AGENTS }, (_, number) => speak(backends[number % CLIENTS], number, losses)),
        );
        place.proxies.rule = () => "pass";

        const counted = count([["first"], ...acknowledged], turnsOf((await backends[0]?.load("all")) ?? []));
        say(name, counted, losses);
        await Promise.all(backends.map((backend) => backend.close()));
        await Promise.all(clients.map(({ close }) => close()));
        expect(losses.isDone).toBe(true);
        expect(counted).toEqual(allOnce(counted.appended));
      },
    );
  });

  it("is not tested with TLS, which the proxy cannot read", () => {
    const [tls, ...others] = topologies.filter((one) => !isReadable(one));
    process.stdout.write(`${tls?.name}: skipped, since a proxy cannot lose commands that it cannot read\n`);
    expect(others).toEqual([]);
  });
});

/** Adds turns until enough was lost. Resolves to the names of the acknowledged turns. */
async function speak(backend: RedisBackend<Message> | undefined, number: number, losses: Losses): Promise<string[]> {
  if (backend === undefined) throw new Error("There is a backend for each.");
  const conversation = new Conversation({ memoryId: "all", backend, maxMessages: 6 });
  const own: string[] = [];
  for (let n = 0; (!losses.isDone || n < 5) && n < 300; n++) {
    const name = `w${number}-${n}`;
    await retried(() => conversation.sync());
    conversation.hold(turn(name));
    await retried(() => conversation.flush());
    own.push(name);
  }
  return own;
}
