import { MemoryError, type Revision } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { FileBackend } from "../src/index.ts";
import { another, type Note, newBackend } from "./support/backends.ts";
import { NaiveLog, type Place } from "./support/naive-log.ts";

const ID = "m";

/** Chooses a revision that was seen before, `null`, or none. Numbers are taken modulo what there is. */
type Choice = number | "null" | "none";

const choice: fc.Arbitrary<Choice> = fc.oneof(
  fc.nat(),
  fc.constantFrom("null" as const, "none" as const, "none" as const),
);
const operation = fc.option(fc.integer({ min: 0, max: 9 }), { nil: undefined });

const commands = {
  append: fc.record({
    type: fc.constant("append" as const),
    count: fc.integer({ min: 1, max: 4 }),
    operation,
    since: choice,
    expected: choice,
  }),
  save: fc.record({
    type: fc.constant("save" as const),
    count: fc.integer({ min: 0, max: 5 }),
    operation,
    expected: choice,
  }),
  delete: fc.constant({ type: "delete" as const }),
  read: fc.record({
    type: fc.constant("read" as const),
    last: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    since: choice,
  }),
  pages: fc.record({ type: fc.constant("pages" as const), last: fc.integer({ min: 1, max: 9 }) }),
};
type Command = { [Type in keyof typeof commands]: (typeof commands)[Type] extends fc.Arbitrary<infer C> ? C : never };

const anyCommands = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: commands.append },
      { weight: 2, arbitrary: commands.save },
      { weight: 1, arbitrary: commands.delete },
      { weight: 6, arbitrary: commands.read },
      { weight: 2, arbitrary: commands.pages },
      // Enough entries at once to go beyond the 64 that a search without `since` sees, and beyond one block of a file.
      {
        weight: 1,
        arbitrary: fc.record({ type: fc.constant("many" as const), count: fc.integer({ min: 30, max: 70 }) }),
      },
    ),
    { maxLength: 25 },
  )
  .map((list) => list.flatMap((command) => (command.type === "many" ? manyAppends(command.count) : [command])));

function manyAppends(count: number): Command["append"][] {
  const append = { type: "append", count: 1, operation: undefined, since: "none", expected: "none" } as const;
  return Array.from({ length: count }, () => append);
}

interface Compared {
  actual: unknown;
  expected: unknown;
}

/** Two backends on one directory beside the model. Revisions are told as the places in the model that they stand for. */
class Run {
  readonly model: NaiveLog = new NaiveLog();
  readonly #backends: readonly FileBackend<Note>[];
  readonly #places = new Map<Revision, Place>();
  #calls = 0;
  #next = 0;
  #operations = 0;

  constructor() {
    const backend = newBackend();
    this.#backends = [backend, another(backend)];
  }

  /** Each call is made by the one that did not make the last. */
  get backend(): FileBackend<Note> {
    return this.#backends[this.#calls++ % 2] as FileBackend<Note>;
  }

  execute(command: Command[keyof Command]): Promise<Compared> {
    switch (command.type) {
      case "append":
        return this.#append(command);
      case "save":
        return this.#save(command);
      case "delete":
        return this.#delete();
      case "read":
        return this.#read(command);
      case "pages":
        return this.#pages(command);
    }
  }

  async #append(command: Command["append"]): Promise<Compared> {
    const records = this.#records(command.count);
    const operationId = this.#operation("append", command.operation);
    const [since, sincePlace] = this.#pick(command.since);
    const [expectedRevision, expectedPlace] = this.#pick(command.expected);
    const expected = this.model.append(records, operationId, sincePlace, expectedPlace);
    const answer = await outcomeOf(this.backend.append(ID, records, { operationId, since, expectedRevision }));
    return { expected: placeOnly(expected), actual: answer === "CONFLICT" ? answer : this.#place(answer, expected) };
  }

  async #save(command: Command["save"]): Promise<Compared> {
    const records = this.#records(command.count);
    const operationId = this.#operation("save", command.operation);
    const [expectedRevision, expectedPlace] = this.#pick(command.expected);
    const expected = this.model.save(records, operationId, expectedPlace);
    return { expected, actual: await outcomeOf(this.backend.save(ID, records, { operationId, expectedRevision })) };
  }

  async #delete(): Promise<Compared> {
    this.model.delete();
    return { expected: undefined, actual: await this.backend.delete(ID) };
  }

  async #read({ last, since: known }: Command["read"]): Promise<Compared> {
    const [since, place] = known === "null" ? [] : this.#pick(known);
    const expected = this.model.read(last, "since", place ?? undefined);
    const snapshot = await this.backend.read(ID, { last, since: since ?? undefined });
    return { expected, actual: this.#told(snapshot, expected) };
  }

  /** All pages, back to the beginning. */
  async #pages({ last }: Command["pages"]): Promise<Compared> {
    let page = await this.backend.read(ID, { last });
    let records = page?.records ?? null;
    while (page !== null && page.start !== null) {
      page = await this.backend.read(ID, { last, before: page.start });
      if (page?.reset !== false || page.regressed || page.records.length === 0)
        throw new Error("The page does not continue.");
      records = [...page.records, ...(records ?? [])];
    }
    return { expected: this.model.records(), actual: records };
  }

  #told(snapshot: Awaited<ReturnType<FileBackend<Note>["read"]>>, expected: { revision: Place } | null): unknown {
    if (snapshot === null) return null;
    const { records, reset, regressed } = snapshot;
    if (regressed) return "regressed";
    return { records, reset, revision: this.#place(snapshot.revision, expected?.revision) };
  }

  /** What a revision stands for: the expected place where it was not seen yet, and nor was that place. */
  #place(revision: Revision, expected: Place | "CONFLICT" | undefined): unknown {
    const known = this.#places.get(revision);
    if (known !== undefined) return known;
    const place = placeOnly(expected);
    if (typeof place !== "object") return `an unexpected revision, ${revision}`;
    for (const seen of this.#places.values()) {
      if (JSON.stringify(seen) === JSON.stringify(place)) return `a second revision, ${revision}`;
    }
    this.#places.set(revision, place);
    return place;
  }

  #pick(which: Choice): [Revision, Place] | [null, null] | [] {
    if (which === "null") return [null, null];
    const seen = [...this.#places];
    return which === "none" ? [] : (seen[which % seen.length] ?? []);
  }

  #operation(what: string, index: number | undefined): string {
    return index === undefined ? `fresh-${this.#operations++}` : `${what}-${index}`;
  }

  #records(count: number): Note[] {
    return Array.from({ length: count }, () => ({ n: this.#next++, text: "x".repeat((this.#next * 37) % 400) }));
  }
}

function placeOnly(place: Place | "CONFLICT" | undefined): Place | "CONFLICT" | undefined {
  return typeof place === "object" ? { log: place.log, save: place.save, position: place.position } : place;
}

async function outcomeOf<R>(call: Promise<R>): Promise<R | "CONFLICT"> {
  try {
    return await call;
  } catch (error) {
    if (MemoryError.is(error, "CONFLICT")) return "CONFLICT";
    throw error;
  }
}

describe("the log does what a list of entries would do", () => {
  it("for any sequence of appends, saves, deletes and reads, by two that share a directory", async () => {
    expect.hasAssertions();
    await fc.assert(
      fc.asyncProperty(anyCommands, async (list) => {
        const run = new Run();
        for (const command of list) {
          const { actual, expected } = await run.execute(command);
          expect(actual).toEqual(expected);
          expect(await run.backend.load(ID)).toEqual(run.model.records());
        }
      }),
      { numRuns: 100 },
    );
  });
});
