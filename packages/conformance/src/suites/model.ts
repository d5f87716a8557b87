import type { LogCapability, MemoryBackend, Revision } from "@deep-agent/core/adapter";
import { MemoryError } from "@deep-agent/core/adapter";
import fc from "fast-check";
import { broken, equal } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { missing } from "../target.ts";
import { NaiveLog, type Place } from "./naive-log.ts";

/** How many sequences of calls are tried at most, and how long that may take, in ms. */
const RUNS = 200;
const TIME_LIMIT = 8_000;

/** Fewer than that show little. */
const ENOUGH_RUNS = 20;

export const model: Suite = suiteOf("log", "the log does what a list of entries would do, whatever is asked of it", {
  async "any sequence of appends, saves, deletes and reads, whatever they know of it"(stage) {
    const { backend, target } = stage;
    const backends = missing(target, "concurrentOpen") === undefined ? [backend, await stage.another()] : [backend];
    const deadline = performance.now() + TIME_LIMIT;
    let runs = 0;
    let ended = 0;
    // fast-check's own time limit would leave a call alone that hangs, and a sequence going on while its store is removed.
    const property = fc.asyncProperty(sequences, async (sequence) => {
      const run = new Run(backends, `m${runs++}`, deadline);
      if (await run.executeAll(sequence)) ended += 1;
    });
    const details = await fc.check(property, { numRuns: RUNS });
    if (!details.failed) {
      const told = `of ${RUNS} sequences of calls, ${ended} ended within ${TIME_LIMIT / 1_000} s`;
      if (ended === 0) broken(`the backend is too slow to be tested: ${told}`);
      if (ended < ENOUGH_RUNS) stage.remark(`hardly tested: ${told}`);
      return;
    }
    const { message = String(details.errorInstance) } = (details.errorInstance ?? {}) as { message?: string };
    const shortest = details.counterexample?.[0] ?? [];
    // Once more, so that what was called is that alone.
    stage.forgetCalls();
    await new Run(backends, `m${runs++}`, Number.POSITIVE_INFINITY).executeAll(shortest);
    broken(`${message} (seed ${details.seed}; it does not happen each time)`);
  },
});

/** Which revision a call knows: one that was seen before (modulo what there is), `null`, or none. */
type Known = number | "null" | "none";

type Step =
  | { call: "append"; count: number; again: number | null; since: Known; expected: Known }
  | { call: "appends"; count: number }
  | { call: "save"; count: number; again: number | null; expected: Known }
  | { call: "delete" }
  | { call: "read"; last: number | null; since: Known }
  | { call: "pages"; last: number };

const known: fc.Arbitrary<Known> = fc.oneof(
  fc.nat({ max: 50 }),
  fc.constantFrom("null" as const, "none" as const, "none" as const),
);
const again = fc.option(fc.integer({ min: 0, max: 5 }));
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      call: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 4 }),
      again,
      since: known,
      expected: known,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      call: fc.constant("save" as const),
      count: fc.integer({ min: 0, max: 5 }),
      again,
      expected: known,
    }),
  },
  { weight: 1, arbitrary: fc.record({ call: fc.constant("delete" as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      call: fc.constant("read" as const),
      last: fc.option(fc.integer({ min: 1, max: 9 })),
      since: known,
    }),
  },
  { weight: 2, arbitrary: fc.record({ call: fc.constant("pages" as const), last: fc.integer({ min: 1, max: 9 }) }) },
  // Enough entries at once to go beyond the 64 that a search without `since` sees.
  {
    weight: 1,
    arbitrary: fc.record({ call: fc.constant("appends" as const), count: fc.integer({ min: 30, max: 70 }) }),
  },
);
const sequences = fc.array(steps, { minLength: 1, maxLength: 25, size: "max" });

/** Ends a sequence of calls whose time is over. */
class OutOfTime extends Error {
  override readonly name = "OutOfTime";
}

type LogBackend = MemoryBackend<KitRecord> & LogCapability<KitRecord>;

/** The backends, by turns, beside the naive log. Revisions are told as the places in it that they stand for. */
class Run {
  readonly #log = new NaiveLog();
  readonly #backends: readonly LogBackend[];
  readonly #id: string;
  readonly #deadline: number;
  readonly #places = new Map<Revision, Place>();
  #calls = 0;
  #records = 0;
  #operations = 0;

  /** After the deadline, a time of `performance`, nothing more is called. */
  constructor(backends: readonly LogBackend[], id: string, deadline: number) {
    this.#backends = backends;
    this.#id = id;
    this.#deadline = deadline;
  }

  /** Whether they came to their end before the deadline. Throws where the backend does something else than the list. */
  async executeAll(sequence: readonly Step[]): Promise<boolean> {
    try {
      for (const step of sequence) await this.#execute(step);
      return true;
    } catch (error) {
      if (error instanceof OutOfTime) return false;
      throw error;
    }
  }

  async #execute(step: Step): Promise<void> {
    switch (step.call) {
      case "append":
        await this.#append(step.count, this.#operation("append", step.again), step.since, step.expected);
        break;
      case "appends":
        for (let n = 0; n < step.count; n++) await this.#append(1, this.#operation("append", null), "none", "none");
        break;
      case "save":
        await this.#save(step.count, this.#operation("save", step.again), step.expected);
        break;
      case "delete":
        this.#log.delete();
        await this.#backend.delete(this.#id);
        break;
      case "read":
        await this.#read(step.last ?? undefined, step.since);
        break;
      case "pages":
        await this.#pages(step.last);
        break;
    }
    equal(numbers(await this.#backend.load(this.#id)), numbers(this.#log.records()), `load after ${step.call}`);
  }

  /** Each call is made by the one that did not make the last. */
  get #backend(): LogBackend {
    if (performance.now() > this.#deadline) throw new OutOfTime();
    return this.#backends[this.#calls++ % this.#backends.length] as LogBackend; // there is one, at least
  }

  async #append(count: number, wanted: string, sinceKnown: Known, expectedKnown: Known): Promise<void> {
    const records = this.#fresh(count);
    const [since, sincePlace] = this.#pick(sinceKnown);
    const [expectedRevision, expectedPlace] = this.#pick(expectedKnown);
    // Whether an append without `since` looks further back than it must is the store's own business.
    const isOpen = sincePlace === undefined && this.#log.holdsOutOfReach(wanted);
    const operationId = isOpen ? this.#operation("append", null) : wanted;
    const due = this.#log.append(records, operationId, sincePlace, expectedPlace);
    const answer = await answerOf(this.#backend.append(this.#id, records, { operationId, since, expectedRevision }));
    if (answer === "CONFLICT" || due === "CONFLICT") equal(answer === "CONFLICT" ? answer : "appended", due, "append");
    else this.#expectPlace(answer, due, "the revision that append answers");
  }

  async #save(count: number, operationId: string, known: Known): Promise<void> {
    const records = this.#fresh(count);
    const [expectedRevision, place] = this.#pick(known);
    const due = this.#log.save(records, operationId, place);
    const answer = await answerOf(this.#backend.save(this.#id, records, { operationId, expectedRevision }));
    equal(answer ?? "saved", due, "save");
  }

  async #read(last: number | undefined, knownSince: Known): Promise<void> {
    const [since, place] = knownSince === "null" ? [] : this.#pick(knownSince);
    const due = this.#log.read(last, place ?? undefined);
    const snapshot = await this.#backend.read(this.#id, { last, since: since ?? undefined });
    if (snapshot === null || due === null) {
      equal(snapshot, due, "read");
      return;
    }
    const { records, reset, regressed } = snapshot;
    equal(
      { numbers: numbers(records), reset, regressed },
      { numbers: due.numbers, reset: due.reset, regressed: false },
      "read",
    );
    this.#expectPlace(snapshot.revision, [due.revision], "the revision of a read");
  }

  /** All pages, back to the beginning. */
  async #pages(last: number): Promise<void> {
    let page = await this.#backend.read(this.#id, { last });
    let seen = numbers(page?.records);
    while (page !== null && page.start !== null) {
      page = await this.#backend.read(this.#id, { last, before: page.start });
      if (page?.reset !== false || page.regressed || page.records.length === 0)
        broken("a page does not continue the one behind it");
      if ((seen?.length ?? 0) > this.#records) broken("the pages do not end");
      seen = [...(numbers(page.records) ?? []), ...(seen ?? [])];
    }
    equal(seen, numbers(this.#log.records()), "all pages together");
  }

  /** A revision stands for one place, and a place has one revision. Any of those that are due is right. */
  #expectPlace(revision: Revision, due: readonly Place[], what: string): void {
    const texts = due.map((place) => JSON.stringify(place));
    const seen = this.#places.get(revision);
    if (seen !== undefined) {
      if (!texts.includes(JSON.stringify(seen)))
        broken(`${what} is that of ${JSON.stringify(seen)} instead of ${texts.join(" or ")}`);
      return;
    }
    const known = [...this.#places.values()].map((place) => JSON.stringify(place));
    const open = due.filter((place) => !known.includes(JSON.stringify(place)));
    if (open.length === 0) broken(`${what} is a second one for the same place`);
    // Where there are several, which one it is may never be known.
    if (open[0] !== undefined && open.length === 1) this.#places.set(revision, open[0]);
  }

  #pick(known: Known): [Revision, Place] | [null, null] | [] {
    if (known === "null") return [null, null];
    const seen = [...this.#places];
    return known === "none" ? [] : (seen[known % seen.length] ?? []);
  }

  #fresh(count: number): KitRecord[] {
    this.#records += count;
    // Of many lengths, so that they end anywhere in a store's blocks.
    return recordsFrom(this.#records - count, count).map(({ n }) => ({ n, text: "x".repeat((Number(n) * 37) % 400) }));
  }

  #operation(what: string, again: number | null): string {
    return again === null ? `fresh-${this.#operations++}` : `${what}-${again}`;
  }
}

async function answerOf<R>(call: Promise<R>): Promise<R | "CONFLICT"> {
  try {
    return await call;
  } catch (error) {
    if (MemoryError.is(error, "CONFLICT")) return "CONFLICT";
    throw error;
  }
}
