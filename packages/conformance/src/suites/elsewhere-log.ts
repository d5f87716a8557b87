import { MemoryError } from "@deep-agent/core/adapter";
import { type Call, type Ended, isRejected } from "../elsewhere/messages.ts";
import { answersOf, raceBursts, racePairs } from "../elsewhere/race.ts";
import { equal, named, ok, rejects } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { inOrder, turnOf, turnsIn } from "./elsewhere-turns.ts";

/** How many appends each process makes in a round. */
const BURST = 8;

/** How many appends of this process must overlap with some of the other one. */
const BURST_OVERLAPS = 160;

export const elsewhereLog: Suite = suiteOf(
  "log",
  "two processes write the same memory at the same time, and nothing is lost",
  {
    async "appends stay whole, and keep the order of their process"(stage) {
      const { backend } = stage;
      const there = await stage.elsewhere();
      const burst = (by: string, n: number): Call[] =>
        Array.from({ length: BURST }, (_, index) => append("m", turnOf(by, n * BURST + index)));
      const round = (n: number) => ({
        here: burst("here", n),
        there: burst("there", n),
        async check(own: readonly Ended[], theirs: readonly Ended[]) {
          const answers = answersOf([...own, ...theirs], "append, while the other process appends,");
          equal(new Set(answers).size, answers.length, "the number of different revisions");
          const turns = turnsIn(await backend.load("m"), "the log");
          for (const by of ["here", "there"]) inOrder(turns, by, (n + 1) * BURST, "the log");
          equal(turns.length, 2 * (n + 1) * BURST, "the number of turns");
        },
      });
      await raceBursts(stage, there, round, BURST_OVERLAPS);
      const [first = [], second = []] = await Promise.all([backend.load("m"), there.backend.load("m")]);
      equal(second, first, "load by the other process");
    },

    async "the first writes of a new memory"(stage) {
      const { backend } = stage;
      const there = await stage.elsewhere();
      await racePairs(stage, there, (n) => {
        const id = `m${n}`;
        const options = [{}, { expectedRevision: null }, { since: null }, { operationId: `op-${n}` }][n % 4] ?? {};
        const records = (by: string): KitRecord[] => turnOf("operationId" in options ? "both" : by, n);
        return {
          here: append(id, records("here"), options),
          there: append(id, records("there"), options),
          async check(own, theirs) {
            const all = [own, theirs];
            const turns = turnsIn(await backend.load(id), "the new log");
            if (n % 4 === 3) {
              const answers = answersOf(all, "an operation that both processes make");
              equal(new Set(answers).size, 1, "the number of different answers to one operation");
              equal(turns, [`both ${n}`], "the turns of the new log");
            } else if (n % 4 === 0) {
              answersOf(all, "append to a new memory");
              equal([...turns].sort(), [`here ${n}`, `there ${n}`], "the turns of the new log, sorted,");
            } else {
              const winner = winnerOf(own, theirs, `append with ${Object.keys(options)[0]}: null`);
              equal(turns, [`${winner} ${n}`], "the turns of the new log");
            }
            equal(turnsIn(await there.backend.load(id), "the new log"), turns, "load by the other process");
          },
        };
      });
    },

    async "of two writes at the same expected revision, one is made"(stage) {
      const { backend } = stage;
      const there = await stage.elsewhere();
      await racePairs(stage, there, async (n) => {
        const id = `m${n % 8}`;
        if (n < 8) await backend.append(id, recordsFrom(0));
        const before = await backend.read(id);
        const options = { expectedRevision: before?.revision };
        const method = n % 3 === 2 ? "save" : "append";
        const write = (by: string): Call => ({ method, args: [id, [{ n, by }], options] });
        return {
          here: write("here"),
          there: write("there"),
          async check(own, theirs) {
            const winner = winnerOf(own, theirs, `${method} with an expected revision`);
            const kept = method === "save" ? [] : (before?.records ?? []);
            equal(await backend.load(id), [...kept, { n, by: winner }], "load after the one write that was made");
          },
        };
      });
    },

    async "an operation that both make at the same time is stored once"(stage) {
      const { backend } = stage;
      const there = await stage.elsewhere();
      await racePairs(stage, there, async (n) => {
        const id = `m${n % 8}`;
        if (n < 8) await backend.append(id, recordsFrom(n));
        const since = (await backend.read(id, { last: 1 }))?.revision;
        const before = numbers(await backend.load(id)) ?? [];
        const call = append(id, recordsFrom(n + 8), { operationId: `op-${n}`, ...(n % 2 === 0 && { since }) });
        return {
          here: call,
          there: call,
          async check(own, theirs) {
            const answers = answersOf([own, theirs], "an operation that both processes make");
            equal(new Set(answers).size, 1, "the number of different answers to one operation");
            equal(numbers(await backend.load(id)), [...before, n + 8], "load");
          },
        };
      });
    },

    async "an operation that the other process tries again is stored once, and gets the same answer"(stage) {
      const { backend: here } = stage;
      const { backend: there } = await stage.elsewhere();
      await here.append("m", recordsFrom(0));
      for (let n = 1; n <= 6; n++) {
        const [one, other] = n % 2 === 0 ? [here, there] : [there, here];
        const since = (await one.read("m", { last: 1 }))?.revision;
        const options = { operationId: `op-${n}`, since };
        const first = await one.append("m", recordsFrom(n), options);
        equal(await other.append("m", recordsFrom(n), options), first, "the answer to the second attempt");
        const { since: _known, ...unknown } = options;
        equal(await other.append("m", recordsFrom(n), unknown), first, "the answer to an attempt without `since`");
      }
      equal(numbers(await there.load("m")), numbers(recordsFrom(0, 7)), "load");
      await here.save("m", recordsFrom(50), { operationId: "save" });
      await there.append("m", recordsFrom(51));
      await there.save("m", recordsFrom(50), { operationId: "save" });
      equal(numbers(await here.load("m")), [50, 51], "load after a save that the other process tried again");
    },

    async "what one has written, the other reads at once: what is new, windows and pages"(stage) {
      const { backend: here } = stage;
      const { backend: there } = await stage.elsewhere();
      await here.append("m", recordsFrom(0));
      const known = new Map([here, there].map((one) => [one, undefined as string | undefined]));
      for (const one of [here, there]) known.set(one, (await one.read("m"))?.revision);
      for (let n = 1; n <= 24; n++) {
        // In turn, and sometimes twice in a row.
        const [writer, reader] = n % 3 === 0 ? [there, here] : [here, there];
        const revision = await writer.append("m", recordsFrom(n));
        const snapshot = await reader.read("m", { since: known.get(reader) });
        const news = numbers(snapshot?.records) ?? [];
        equal(news.at(-1), n, "the last record since then");
        equal(news, numbers(recordsFrom(n + 1 - news.length, news.length)), "the records since then");
        equal([snapshot?.reset, snapshot?.revision], [false, revision], "reset and revision");
        known.set(reader, snapshot?.revision);
        const window = await reader.read("m", { last: 2 });
        equal(numbers(window?.records), [n - 1, n], "the newest two");
        const page = await reader.read("m", { before: window?.start ?? undefined, last: 2 });
        const from = Math.max(0, n - 3);
        if (window?.start !== null)
          equal(numbers(page?.records), numbers(recordsFrom(from, n - 1 - from)), "the page before");
        equal((await reader.load("m"))?.length, n + 1, "the number of records that load returns");
      }
    },

    async "reads while the other process appends return every entry once, whole and in order"(stage) {
      const { backend } = stage;
      const there = await stage.elsewhere();
      await backend.append("m", turnOf("first", 0));
      let since = (await backend.read("m"))?.revision;
      await raceBursts(stage, there, (n) => ({
        here: Array.from({ length: BURST }, () => ({ method: "read", args: ["m", { last: 30 }] })),
        there: Array.from({ length: BURST }, (_, index) => append("m", turnOf("there", n * BURST + index))),
        async check(own, theirs) {
          answersOf(theirs, "append by the other process, while this one reads,");
          for (const answer of answersOf(own, "read, while the other process appends,"))
            turnsIn((answer as { records: KitRecord[] }).records, "the window");
          const snapshot = await backend.read("m", { since });
          equal(
            turnsIn(snapshot?.records ?? null, "what is new"),
            Array.from({ length: BURST }, (_, index) => `there ${n * BURST + index}`),
            "the turns since the last round",
          );
          since = snapshot?.revision;
        },
      }));
      const turns = turnsIn((await there.backend.load("m")) ?? null, "the log");
      inOrder(turns, "there", turns.length - 1, "the log");
    },

    async "replacements and deletes by the other process are noticed"(stage) {
      const { backend: here } = stage;
      const { backend: there } = await stage.elsewhere();
      for (const [reader, writer] of [
        [here, there],
        [there, here],
      ] as const) {
        await reader.append("m", recordsFrom(0, 2));
        const since = (await reader.read("m"))?.revision;
        await writer.save("m", recordsFrom(5, 2));
        const replaced = await reader.read("m", { since });
        equal([numbers(replaced?.records), replaced?.reset], [[5, 6], true], "records and reset after a replacement");
        await rejects(
          () => reader.append("m", recordsFrom(9), { since }),
          "CONFLICT",
          "append since a log that the other process replaced",
        );
        const later = replaced?.revision;
        await writer.delete("m");
        equal(await reader.read("m", { since: later }), null, "read after the other process's delete");
        for (const options of [{ since: later }, { expectedRevision: later }]) {
          await rejects(
            () => reader.append("m", recordsFrom(9), options),
            "CONFLICT",
            `append with ${Object.keys(options)[0]} of a log that the other process deleted`,
          );
        }
        await writer.append("m", recordsFrom(7));
        const created = await reader.read("m", { since: later });
        equal([numbers(created?.records), created?.reset], [[7], true], "records and reset of a memory created again");
        await writer.delete("m");
      }
    },

    async "an append while the other process replaces or deletes the memory brings nothing back"(stage) {
      const { backend } = stage;
      const there = await stage.elsewhere();
      await racePairs(stage, there, async (n) => {
        const id = `m${n}`;
        await backend.save(id, turnOf("old", n));
        const change: Call =
          n % 2 === 0 ? { method: "save", args: [id, turnOf("saved", n)] } : { method: "delete", args: [id] };
        const appended = append(id, turnOf("new", n));
        return {
          ...(n % 4 < 2 ? { here: appended, there: change } : { here: change, there: appended }),
          async check(own, theirs) {
            answersOf([own, theirs], `append or ${change.method}, at the same time in two processes,`);
            const turns = turnsIn(await backend.load(id), "the log").join(", ");
            const saved = n % 2 === 0 ? `saved ${n}` : "";
            const possible = [saved, [saved, `new ${n}`].filter(Boolean).join(", ")];
            ok(possible.includes(turns), `the log has "${turns}" after append and ${change.method} at the same time`);
          },
        };
      });
    },
  },
  "elsewhere",
);

function append(id: string, records: readonly KitRecord[], options: object = {}): Call {
  return { method: "append", args: [id, records, options] };
}

/** Which process made its write. Fails unless exactly one did, and the other rejected with CONFLICT. */
function winnerOf(here: Ended, there: Ended, what: string): "here" | "there" {
  const rejected = [here, there].filter(isRejected);
  equal(2 - rejected.length, 1, `the number of processes whose ${what} was made`);
  for (const { error } of rejected) {
    ok(MemoryError.is(error, "CONFLICT"), `${what} that came too late rejects with ${named(error)}`);
  }
  return isRejected(here) ? "there" : "here";
}
