import { MemoryError, type Revision } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { InMemoryBackend } from "../src/index.ts";
import type { Note } from "./support/backends.ts";
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
  delete: fc.record({ type: fc.constant("delete" as const) }),
  read: fc.record({
    type: fc.constant("read" as const),
    last: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
    by: fc.constantFrom("since" as const, "before" as const),
    known: choice,
  }),
};
type Command = { [Type in keyof typeof commands]: (typeof commands)[Type] extends fc.Arbitrary<infer C> ? C : never };

const anyCommands = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: commands.append },
      { weight: 1, arbitrary: commands.save },
      { weight: 1, arbitrary: commands.delete },
      { weight: 6, arbitrary: commands.read },
      // Enough entries at once to go beyond the 64 that a search without `since` sees.
      {
        weight: 1,
        arbitrary: fc.record({ type: fc.constant("many" as const), count: fc.integer({ min: 30, max: 70 }) }),
      },
    ),
    { maxLength: 30 },
  )
  .map((list) => list.flatMap((command) => (command.type === "many" ? manyAppends(command.count) : [command])));

function manyAppends(count: number): Command["append"][] {
  return Array.from({ length: count }, () => ({
    type: "append",
    count: 1,
    operation: undefined,
    since: "none",
    expected: "none",
  }));
}

interface Compared {
  actual: unknown;
  expected: unknown;
}

/** The backend beside the model. Its revisions are told as the places in the model that they stand for. */
class Run {
  readonly backend: InMemoryBackend<Note> = new InMemoryBackend<Note>();
  readonly model: NaiveLog = new NaiveLog();
  readonly #places = new Map<Revision, Place>();
  #next = 0;

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
    }
  }

  async #append(command: Command["append"]): Promise<Compared> {
    const records = this.#records(command.count);
    const operationId = this.#operation(command.operation);
    const [since, sincePlace] = this.#pick(command.since);
    const [expectedRevision, expectedPlace] = this.#pick(command.expected);
    const expected = this.model.append(records, operationId, sincePlace, expectedPlace);
    const answer = await outcomeOf(this.backend.append(ID, records, { operationId, since, expectedRevision }));
    return { expected, actual: answer === "CONFLICT" ? answer : this.#place(answer, expected) };
  }

  async #save(command: Command["save"]): Promise<Compared> {
    const records = this.#records(command.count);
    const operationId = this.#operation(command.operation);
    const [expectedRevision, expectedPlace] = this.#pick(command.expected);
    const expected = this.model.save(records, operationId, expectedPlace);
    return { expected, actual: await outcomeOf(this.backend.save(ID, records, { operationId, expectedRevision })) };
  }

  async #delete(): Promise<Compared> {
    this.model.delete();
    return { expected: undefined, actual: await this.backend.delete(ID) };
  }

  async #read({ last, by, known }: Command["read"]): Promise<Compared> {
    const [revision, place] = known === "null" ? [] : this.#pick(known);
    const expected = this.model.read(last, by, place ?? undefined);
    const snapshot = await this.backend.read(ID, { last, ...(revision && { [by]: revision }) });
    if (snapshot === null) return { expected, actual: null };
    const { start } = snapshot;
    return {
      expected,
      actual: {
        ...snapshot,
        revision: this.#place(snapshot.revision, expected?.revision),
        start: start === null ? null : this.#place(start, expected?.start),
      },
    };
  }

  /** What a revision stands for: the expected place where it was not seen yet, and nor was that place. */
  #place(revision: Revision, expected: Place | "CONFLICT" | null | undefined): unknown {
    const known = this.#places.get(revision);
    if (known !== undefined) return known;
    if (typeof expected !== "object" || expected === null) return `an unexpected revision, ${revision}`;
    for (const { epoch, position } of this.#places.values()) {
      if (epoch === expected.epoch && position === expected.position) return `a second revision, ${revision}`;
    }
    this.#places.set(revision, expected);
    return expected;
  }

  #pick(which: Choice): [Revision, Place] | [null, null] | [] {
    if (which === "null") return [null, null];
    const seen = [...this.#places];
    return which === "none" ? [] : (seen[which % seen.length] ?? []);
  }

  #operation(index: number | undefined): string {
    return index === undefined ? `fresh-${this.#next}` : `again-${index}`;
  }

  #records(count: number): Note[] {
    return Array.from({ length: count }, () => ({ n: this.#next++ }));
  }
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
  it("for any sequence of appends, saves, deletes and reads, whatever they know of it", async () => {
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
      { numRuns: 200 },
    );
  });
});
