import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { doubtfulSlots, type Move, readSlots, type SlotState } from "../src/memories/slot-moves.ts";

const ids = {
  a: "07c37dfeb235213a872192d90877d0cd55635b91",
  b: "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1",
  c: "292f8b365bb7edb5e285caf0b7e6ddc7265d2f4f",
} as const;
type Name = keyof typeof ids;
const names = Object.keys(ids) as Name[]; // `ids` has no other keys

/** A master's reply to CLUSTER NODES: its own line, and its lines about the other masters. */
function textOf(name: Name, slots: string, others = "0-16383"): string {
  const lines = names.map((each, place) => {
    const flags = each === name ? "myself,master" : "master";
    const at = `127.0.0.1:3000${place}@3100${place},host-${each}`;
    const had = each === name ? slots : others;
    return `${ids[each]} ${at} ${flags} - 0 1426238317239 ${place + 1} connected${had && ` ${had}`}\n`;
  });
  const replica = "6ec23923021cf3ffec47632106199cb7f496ce01 127.0.0.1:30005@31005,host-r slave";
  return [`${replica} ${ids.a} 0 1426238316232 5 connected\n`, ...lines].join("");
}

function stateOf(slots: Partial<Record<Name, string>>): SlotState {
  return readSlots(names.map((name) => [name, textOf(name, slots[name] ?? "")]));
}

describe("each master's own line is read", () => {
  it("single slots and ranges, but not its lines about others", () => {
    const { owners, moves } = stateOf({ a: "0-5460 10000", b: "5461-9999", c: "10001-16383" });
    expect([0, 5460, 5461, 9999, 10000, 10001, 16383].map((slot) => owners[slot])).toEqual([..."aabbacc"]);
    expect(owners).toHaveLength(16_384);
    expect(moves.size).toBe(0);
  });

  it("a slot that moves, by its source, by its target, and by both", () => {
    const expected = new Map([[93, { slot: 93, from: "a", to: "b" }]]);
    const [from, to] = [`[93->-${ids.b}]`, `[93-<-${ids.a}]`];
    expect(stateOf({ a: `0-5460 ${from}` }).moves).toEqual(expected);
    expect(stateOf({ a: "0-5460", b: `5461-9999 ${to}` }).moves).toEqual(expected);
    const { owners, moves } = stateOf({ a: `0-5460 ${from}`, b: `5461-9999 ${to}`, c: "10000-16383" });
    expect(moves).toEqual(expected);
    expect(owners[93]).toBe("a");
  });

  it("several moves, a slot without a master, a master without slots, and a move with an unknown end", () => {
    const { owners, moves } = stateOf({ a: `1-2 [1->-${ids.b}] [2->-${ids.c}]`, b: `7 [9-<-${"0".repeat(40)}]` });
    expect([...moves.values()]).toEqual([
      { slot: 1, from: "a", to: "b" },
      { slot: 2, from: "a", to: "c" },
      { slot: 9, from: "", to: "b" },
    ]);
    expect(owners[3]).toBeUndefined();
    expect(readSlots([["a", ""]])).toEqual({ owners: [], moves: new Map() });
  });
});

describe("slots whose keys may have been missed", () => {
  const move = { slot: 7, from: "a", to: "b" };
  const moving = stateOf({ a: `0-99 [7->-${ids.b}]`, b: `100-199 [7-<-${ids.a}]` });
  const moved = stateOf({ a: "0-6 8-99", b: "7 100-199" });

  it("do not exist if no slot moves", () => {
    const rest = stateOf({ a: "0-99", b: "100-199 300" });
    expect(doubtfulSlots(rest, rest)).toEqual([]);
  });

  it("are those that move by either end's line, and those that changed their master", () => {
    const after = stateOf({ a: `0-6 8-98 [50->-${ids.b}]`, b: `7 99-199 [50-<-${ids.a}]` });
    expect(doubtfulSlots(moving, after)).toEqual([
      move,
      { slot: 50, from: "a", to: "b" },
      { slot: 99, from: "a", to: "b" },
    ]);
    expect(doubtfulSlots(stateOf({ a: "0-8" }), stateOf({ a: "0-7" }))).toEqual([{ slot: 8, from: "a", to: "" }]);
    expect(doubtfulSlots(stateOf({ a: "0-7" }), stateOf({ a: "0-8" }))).toEqual([{ slot: 8, from: "a", to: "a" }]);
  });

  it("are no longer in doubt after a reading while they moved in one direction, or rested", () => {
    expect(doubtfulSlots(moving, moving, [move])).toEqual([]);
    expect(doubtfulSlots(moving, moved, [move])).toEqual([]);
    expect(doubtfulSlots(moved, moved, [{ ...move, from: "b" }])).toEqual([]);
  });

  it("stay in doubt if they turned back, or moved on to another master", () => {
    const back = stateOf({ a: `0-6 8-99 [7-<-${ids.b}]`, b: `7 100-199 [7->-${ids.a}]` });
    expect(doubtfulSlots(moving, back, [move])).toEqual([{ slot: 7, from: "b", to: "a" }]);
    const onward = stateOf({ a: "0-6 8-99", b: "100-199", c: "7" });
    expect(doubtfulSlots(moved, onward, [move])).toEqual([{ slot: 7, from: "b", to: "c" }]);
    expect(doubtfulSlots(moving, stateOf({ a: "0-99", b: "100-199" }), [move])).toEqual([
      { slot: 7, from: "a", to: "a" },
    ]);
  });
});

const SLOTS = 2;
const KEYS = 2;

/**
 * Slots with a few keys each that move from master to master, in the small steps of `CLUSTER SETSLOT` and `MIGRATE`.
 */
class World {
  readonly #claims: Record<Name, Set<number>> = { a: new Set(), b: new Set(), c: new Set() };
  readonly #importing = new Map<number, Name>();
  readonly #migrating = new Map<number, Name>();
  readonly #places: Name[][] = [];
  readonly #journeys: (Generator<unknown> | undefined)[];
  readonly #sources = new Map<number, Name>();
  readonly #targets = new Map<number, Name>();
  /**
   * Counts the readings of all masters. Each move lasts until a reading has seen it: a slot that moves away and back
   * between two readings would not be noticed.
   */
  #begun = 0;
  #ended = 0;

  constructor(routes: readonly (readonly Name[])[]) {
    this.#journeys = routes.map((route, slot) => {
      const [home = "a"] = route;
      this.#claims[home].add(slot);
      this.#places[slot] = Array.from({ length: KEYS }, () => home);
      return this.#journey(slot, route);
    });
  }

  /** Makes one step of an operator, if one is due. */
  step(slot: number): void {
    this.#journeys[slot]?.next();
  }

  has(name: Name, slot: number, key: number): boolean {
    return this.#places[slot]?.[key] === name;
  }

  /** Reads each master, each at another moment. */
  *reading(masters: readonly Name[]): Generator<unknown, SlotState> {
    this.#begun += 1;
    const texts: [Name, string][] = [];
    for (const name of masters) yield texts.push([name, this.#nodesBy(name)]);
    this.#ended += 1;
    return readSlots(texts);
  }

  #nodesBy(name: Name): string {
    const moves = (slots: ReadonlyMap<number, Name>, end: ReadonlyMap<number, Name>, sign: string): string[] =>
      [...slots].filter(([, one]) => one === name).map(([slot]) => `[${slot}-${sign}-${ids[end.get(slot) ?? "a"]}]`);
    const out = moves(this.#migrating, this.#targets, ">");
    const into = moves(this.#importing, this.#sources, "<");
    return textOf(name, [...this.#claims[name], ...out, ...into].join(" "));
  }

  *#journey(slot: number, route: readonly Name[]): Generator<unknown> {
    for (const [leg, to] of route.entries()) {
      const from = route[leg - 1];
      if (from === undefined || from === to) continue;
      this.#sources.set(slot, from);
      this.#targets.set(slot, to);
      yield this.#importing.set(slot, to);
      yield this.#migrating.set(slot, from);
      const seen = this.#begun + 1;
      for (let key = 0; key < KEYS; key++) yield this.#places[slot]?.splice(key, 1, to);
      while (this.#ended < seen) yield;
      this.#claims[to].add(slot);
      yield this.#importing.delete(slot);
      this.#claims[from].delete(slot);
      yield this.#migrating.delete(slot);
    }
  }
}

/**
 * Reads like the listing: all masters, then again the slots in doubt, source first. Yields wherever something may
 * happen in between.
 */
function* read(world: World, masters: readonly Name[], found: Set<string>): Generator<unknown> {
  const look = (name: string, slot: number, key: number): void => {
    // A move has another name only for a master that has no keys.
    if (world.has(name as Name, slot, key)) found.add(`${slot}.${key}`);
  };
  let before = yield* world.reading(masters);
  for (const name of masters) {
    for (let number = 0; number < SLOTS * KEYS; number++) yield look(name, number % SLOTS, Math.floor(number / SLOTS));
  }
  for (let doubtful: Move[] | undefined; ; ) {
    const after = yield* world.reading(masters);
    doubtful = doubtfulSlots(before, after, doubtful);
    if (doubtful.length === 0) return;
    for (const end of ["from", "to"] as const) {
      for (const { slot, [end]: name } of doubtful) {
        for (let key = 0; key < KEYS; key++) look(name, slot, key);
        yield;
      }
    }
    before = after;
  }
}

describe("a reading of all masters, and of the slots in doubt, source first", () => {
  it("finds every key with any moves meanwhile, in any order of reading", () => {
    const route = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 });
    let moved = 0;
    fc.assert(
      fc.property(
        fc.array(route, { minLength: SLOTS, maxLength: SLOTS }),
        fc.shuffledSubarray(names, { minLength: names.length }),
        // The turn of the operator of a slot, or of the reader.
        fc.array(fc.integer({ min: -SLOTS, max: SLOTS - 1 }), { minLength: 50, maxLength: 300 }),
        (routes, masters, turns) => {
          const world = new World(routes);
          const found = new Set<string>();
          const reading = read(world, masters, found);
          for (const turn of turns) {
            if (turn >= 0) world.step(turn);
            else reading.next();
          }
          for (const _ of reading); // runs it to its end
          for (let slot = 0; slot < SLOTS; slot++) if (!world.has(routes[slot]?.[0] ?? "a", slot, 0)) moved += 1;
          expect(found.size).toBe(SLOTS * KEYS);
        },
      ),
      { numRuns: 3_000 },
    );
    expect(moved).toBeGreaterThan(1_000);
  });
});
