import type { LogCapability, MemoryBackend, Revision } from "@deep-agent/core/adapter";
import { MemoryError } from "@deep-agent/core/adapter";
import fc from "fast-check";
import { broken, equal } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { missing } from "../target.ts";
import { NaiveLog, type Place } from "./naive-log.ts";

/** How many sequences of calls are tried at most, and for how long, in ms. */
const RUNS = 200;
const TIME_LIMIT = 8_000;

/**
 * The first sequences are always the same, so that a backend that passed once does not fail the next time without a
 * change. The others are new ones each time, to find what these do not.
 */
const FIRST_SEED = 20_240_229;
const FIRST_RUNS = 120;

/** Fewer sequences than this prove little. */
const ENOUGH_RUNS = 20;

export const model: Suite = suiteOf("log", "the log behaves like a list of entries, whatever calls are made", {
  async "any sequence of appends, saves, deletes and reads, with any revisions"(stage) {
    const { backend, target } = stage;
    const backends = missing(target, "concurrentOpen") === undefined ? [backend, await stage.another()] : [backend];
    const deadline = performance.now() + TIME_LIMIT;
    let runs = 0;
    let ended = 0;
    // fast-check's own time limit would not wait for a call that hangs, and a sequence would go on while its store is
    // removed.
    const property = fc.asyncProperty(sequences, async (sequence) => {
      const run = new Run(backends, `m${runs++}`, deadline);
      if (await run.executeAll(sequence)) ended += 1;
    });
    const first = await fc.check(property, { numRuns: FIRST_RUNS, seed: FIRST_SEED });
    const details = first.failed ? first : await fc.check(property, { numRuns: RUNS - FIRST_RUNS });
    if (!details.failed) {
      const progress = `of ${RUNS} sequences of calls, ${ended} ended within ${TIME_LIMIT / 1_000} s`;
      if (ended === 0) broken(`the backend is too slow to be tested: ${progress}`);
      if (ended < ENOUGH_RUNS) stage.remark(`hardly tested: ${progress}`);
      return;
    }
    const { message = String(details.errorInstance) } = (details.errorInstance ?? {}) as { message?: string };
    const shortest = details.counterexample?.[0] ?? [];
    // Run it once more, so that the recorded calls are only those of the shortest sequence.
    stage.forgetCalls();
    await new Run(backends, `m${runs++}`, Number.POSITIVE_INFINITY).executeAll(shortest);
    broken(
      `${message} (${first.failed ? "one of the sequences that are always tried" : `seed ${details.seed}; it may not happen every time`})`,
    );
  },
});

/** Which revision a call passes: an earlier one (its index, modulo their number), `null`, or none. */
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
  // Enough entries at once to exceed the 64 that an append without `since` searches.
  {
    weight: 1,
    arbitrary: fc.record({ call: fc.constant("appends" as const), count: fc.integer({ min: 30, max: 70 }) }),
  },
);
const sequences = fc.array(steps, { minLength: 1, maxLength: 25, size: "max" });

/** Ends a sequence of calls that has run out of time. */
class OutOfTime extends Error {
  override readonly name = "OutOfTime";
}

type LogBackend = MemoryBackend<KitRecord> & LogCapability<KitRecord>;

/**
 * Makes each call on one of the backends, in turn, and on the naive log. The backend's revisions are compared as the
 * places in the log that they stand for.
 */
class Run {
  readonly #log = new NaiveLog();
  readonly #backends: readonly LogBackend[];
  readonly #id: string;
  readonly #deadline: number;
  readonly #places = new Map<Revision, Place>();
  #calls = 0;
  #records = 0;
  #operations = 0;

  /** Makes no more calls after the deadline, a time of `performance`. */
  constructor(backends: readonly LogBackend[], id: string, deadline: number) {
    this.#backends = backends;
    this.#id = id;
    this.#deadline = deadline;
  }

  /**
   * Answers whether the sequence ended before the deadline. Throws if the backend behaves differently from the list.
   */
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

  /** The backends take turns. */
  get #backend(): LogBackend {
    if (performance.now() > this.#deadline) throw new OutOfTime();
    return this.#backends[this.#calls++ % this.#backends.length] as LogBackend; // there is at least one
  }

  async #append(count: number, wanted: string, sinceKnown: Known, expectedKnown: Known): Promise<void> {
    const records = this.#fresh(count);
    const [since, sincePlace] = this.#pick(sinceKnown);
    const [expectedRevision, expectedPlace] = this.#pick(expectedKnown);
    // An append without `since` must search the newest 64 entries. Whether it finds an older one is up to the store.
    const isOpen = sincePlace === undefined && this.#log.holdsOutOfReach(wanted);
    const operationId = isOpen ? this.#operation("append", null) : wanted;
    const expected = this.#log.append(records, operationId, sincePlace, expectedPlace);
    const answer = await answerOf(this.#backend.append(this.#id, records, { operationId, since, expectedRevision }));
    if (answer === "CONFLICT" || expected === "CONFLICT")
      equal(answer === "CONFLICT" ? answer : "appended", expected, "append");
    else this.#expectPlace(answer, expected, "the revision that append returns");
  }

  async #save(count: number, operationId: string, known: Known): Promise<void> {
    const records = this.#fresh(count);
    const [expectedRevision, place] = this.#pick(known);
    const expected = this.#log.save(records, operationId, place);
    const answer = await answerOf(this.#backend.save(this.#id, records, { operationId, expectedRevision }));
    equal(answer ?? "saved", expected, "save");
  }

  async #read(last: number | undefined, knownSince: Known): Promise<void> {
    const [since, place] = knownSince === "null" ? [] : this.#pick(knownSince);
    const expected = this.#log.read(last, place ?? undefined);
    const snapshot = await this.#backend.read(this.#id, { last, since: since ?? undefined });
    if (snapshot === null || expected === null) {
      equal(snapshot, expected, "read");
      return;
    }
    const { records, reset, regressed } = snapshot;
    equal(
      { numbers: numbers(records), reset, regressed },
      { numbers: expected.numbers, reset: expected.reset, regressed: false },
      "read",
    );
    this.#expectPlace(snapshot.revision, [expected.revision], "the revision of a read");
  }

  /** Reads all pages, back to the beginning. */
  async #pages(last: number): Promise<void> {
    let page = await this.#backend.read(this.#id, { last });
    let seen = numbers(page?.records);
    while (page !== null && page.start !== null) {
      page = await this.#backend.read(this.#id, { last, before: page.start });
      if (page?.reset !== false || page.regressed || page.records.length === 0)
        broken("a page does not end where the next page begins");
      if ((seen?.length ?? 0) > this.#records) broken("the pages do not end");
      seen = [...(numbers(page.records) ?? []), ...(seen ?? [])];
    }
    equal(seen, numbers(this.#log.records()), "all pages together");
  }

  /**
   * Expects that a revision stands for one place, and that a place has one revision. Any of the expected places is
   * right.
   */
  #expectPlace(revision: Revision, expected: readonly Place[], what: string): void {
    const texts = expected.map((place) => JSON.stringify(place));
    const seen = this.#places.get(revision);
    if (seen !== undefined) {
      if (!texts.includes(JSON.stringify(seen)))
        broken(`${what} is that of ${JSON.stringify(seen)} instead of ${texts.join(" or ")}`);
      return;
    }
    const known = [...this.#places.values()].map((place) => JSON.stringify(place));
    const open = expected.filter((place) => !known.includes(JSON.stringify(place)));
    if (open.length === 0) broken(`${what} is a second revision for the same place`);
    // If several places are possible, it is not known which one this is.
    if (open[0] !== undefined && open.length === 1) this.#places.set(revision, open[0]);
  }

  #pick(known: Known): [Revision, Place] | [null, null] | [] {
    if (known === "null") return [null, null];
    const seen = [...this.#places];
    return known === "none" ? [] : (seen[known % seen.length] ?? []);
  }

  #fresh(count: number): KitRecord[] {
    this.#records += count;
    // The lengths vary, so that records end anywhere in a store's blocks.
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
