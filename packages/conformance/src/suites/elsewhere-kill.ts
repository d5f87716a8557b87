import { setTimeout as sleep } from "node:timers/promises";
import { type MemoryBackend, supports } from "@deep-agent/core/adapter";
import { moment, untilMoment } from "../elsewhere/clock.ts";
import type { Call } from "../elsewhere/messages.ts";
import { broken, equal, named, ok } from "../expectations.ts";
import { inTime } from "../in-time.ts";
import type { KitRecord } from "../kit-records.ts";
import type { Stage } from "../stage.ts";
import { type Suite, suite } from "../suite.ts";
import { version, versionOf } from "./elsewhere.ts";
import { turnOf, turnsIn } from "./elsewhere-turns.ts";

/** How often a process is killed while it writes, each time at another moment of the write. */
const KILLS = 6;

/** How many writes the process that is killed has to make. It should not come to the end of them. */
const WRITES = 300;

/** How long a call may wait for what the killed process held, in ms: a lock that has to expire, for instance. */
const RECOVERY_MS = 40_000;

/** How long a write of the killed process may be on its way to the store, in ms. */
const ARRIVAL_MS = 20;

/** How long the killed process may take for its first writes, in ms. */
const BEGIN_MS = 30_000;

export const elsewhereKill: Suite = suite(
  "a process that is killed while it writes harms no memory",
  {
    async "while it appends: acknowledged turns stay, and each turn is there whole or not at all"(stage) {
      const { backend } = stage;
      if (!supports(backend, "log")) throw stage.absent("log");
      await backend.append("m", turnOf("here", 0));
      const expected = ["here 0"];
      for (let round = 0; round < KILLS; round++) {
        const by = `killed-${round}`;
        const operationId = (turn: number): string => `${by}-${turn}`;
        const calls = Array.from({ length: WRITES }, (_, turn) => ({
          method: "append",
          args: ["m", turnOf(by, turn), { operationId: operationId(turn) }],
        }));
        const acknowledged = await killedDuring(stage, calls, round / KILLS);
        const turns = turnsIn(await soon("load", backend.load("m")), "the log");
        equal(turns.slice(0, expected.length), expected, "the turns that were there before");
        const added = turns.slice(expected.length);
        ok(
          added.length >= acknowledged,
          `of ${acknowledged} turns that were acknowledged to the killed process, ${added.length} are stored`,
        );
        equal(
          added,
          Array.from(added, (_, turn) => `${by} ${turn}`),
          "the turns of the killed process",
        );
        // Perhaps the write that the kill interrupted: this process tries it again.
        const last = Math.max(acknowledged, added.length - 1);
        const again = backend.append("m", turnOf(by, last), { operationId: operationId(last) });
        await soon("a second attempt at its last operation", again);
        await soon("append", backend.append("m", turnOf("here", round + 1)));
        for (let turn = 0; turn <= last; turn++) expected.push(`${by} ${turn}`);
        expected.push(`here ${round + 1}`);
        equal(turnsIn(await backend.load("m"), "the log"), expected, "the turns after this process went on");
        equal(await soon("list", backend.list()), ["m"], "list");
      }
      const another = await stage.elsewhere();
      equal(turnsIn(await another.backend.load("m"), "the log"), expected, "the turns in a new process");
    },

    async "while it saves: the memory is the old one or the new one"(stage) {
      const { backend } = stage;
      await backend.save("m", version(0));
      let before = 0;
      for (let round = 0; round < KILLS; round++) {
        const calls = Array.from({ length: WRITES }, (_, n) => ({
          method: "save",
          args: ["m", version(before + n + 1)],
        }));
        const acknowledged = await killedDuring(stage, calls, round / KILLS);
        const found = versionOf(await soon("load", backend.load("m")), "load");
        ok(
          found >= before + acknowledged,
          `version ${found} is stored, although version ${before + acknowledged} was acknowledged`,
        );
        before = Math.max(found, before + WRITES) + 1;
        await soon("save", backend.save("m", version(before)));
        equal(versionOf(await backend.load("m"), "load"), before, "the version after this process went on");
        equal(await soon("list", backend.list()), ["m"], "list");
      }
      await soon("delete", backend.delete("m"));
      equal(await backend.load("m"), null, "load after a delete");
    },
  },
  "elsewhere",
);

/**
 * Starts a process that makes the calls, and kills it during one of them, after that share of a call. Resolves to how
 * many calls it had acknowledged by then, as far as this process knows.
 */
async function killedDuring(
  stage: Stage<MemoryBackend<KitRecord>>,
  calls: readonly Call[],
  share: number,
): Promise<number> {
  const there = await stage.elsewhere();
  let acknowledged = 0;
  let callMs = 0;
  let failure: unknown;
  const writing = there.perform(calls, {
    onEnd(ended) {
      if (failure === undefined && ended.error !== undefined) failure = ended.error;
      if (failure === undefined) acknowledged += 1;
      callMs = ended.to - ended.from;
    },
  });
  // The kill makes it reject.
  const over = writing.catch((error: unknown) => error);
  const end = moment() + BEGIN_MS;
  while (acknowledged < 3 && failure === undefined && moment() < end) await Promise.race([over, sleep(1)]);
  await untilMoment(moment() + callMs * share);
  await there.kill();
  await over;
  // A write that was sent is not undone: it may still be on its way to a server.
  await sleep(ARRIVAL_MS);
  if (failure !== undefined) broken(`a write of the process that was to be killed rejects with ${named(failure)}`);
  return acknowledged;
}

/** Waits for a call after a kill. Fails if it rejects or takes too long, with what became of the other process. */
async function soon<R>(what: string, call: Promise<R>): Promise<R> {
  try {
    return await inTime(call, RECOVERY_MS);
  } catch (error) {
    return broken(`${what}, after the other process was killed while it wrote: ${named(error)}`);
  }
}
