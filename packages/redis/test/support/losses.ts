import { assistant, MemoryError, type Message, user } from "@deep-agent/core";
import type { Action } from "@deep-agent/test-redis";
import { expect } from "@jest/globals";

/** Loses replies and requests of scripts, one of every few scripts, until enough are lost. */
export class Losses {
  readonly lost: Record<Action, number> = { pass: 0, dropReply: 0, dropRequest: 0, hold: 0, swallow: 0 };
  readonly #kinds: readonly Action[];
  readonly #each: number;
  readonly #oneOf: number;
  #scripts = 0;

  /** `each`: how many of each kind to lose. `oneOf`: one of this many scripts is lost. */
  constructor(kinds: readonly Action[], each: number, oneOf = 3) {
    this.#kinds = kinds;
    this.#each = each;
    this.#oneOf = oneOf;
  }

  get isDone(): boolean {
    return this.#kinds.every((kind) => this.lost[kind] >= this.#each);
  }

  readonly rule = ([name = ""]: readonly string[]): Action => {
    if (!/^eval/i.test(name)) return "pass";
    this.#scripts += 1;
    if (this.#scripts % this.#oneOf !== 0) return "pass";
    const kind = this.#kinds[Math.floor(this.#scripts / this.#oneOf) % this.#kinds.length] ?? "pass";
    const action =
      this.lost[kind] < this.#each ? kind : (this.#kinds.find((other) => this.lost[other] < this.#each) ?? "pass");
    this.lost[action] += 1;
    return action;
  };
}

/** The numbers of turns, by what became of them. */
export interface Counted {
  appended: number;
  present: number;
  doubled: number;
  missing: number;
  outOfOrder: number;
}

/** Compares the acknowledged turns, by writer, with the turns that are present. */
export function count(acknowledged: readonly (readonly string[])[], present: readonly string[]): Counted {
  const places = new Map(present.map((id, place) => [id, place]));
  const all = acknowledged.flat();
  const outOfOrder = acknowledged.flatMap((own) =>
    own.filter((id, place) => place > 0 && (places.get(id) ?? 0) < (places.get(own[place - 1] ?? "") ?? 0)),
  );
  return {
    appended: all.length,
    present: present.length,
    doubled: present.length - places.size,
    missing: all.filter((id) => !places.has(id)).length,
    outOfOrder: outOfOrder.length,
  };
}

/** The result of {@link count} if nothing went wrong. */
export function allOnce(appended: number): Counted {
  return { appended, present: appended, doubled: 0, missing: 0, outOfOrder: 0 };
}

/** Prints the counts in one line. */
export function say(what: string, counted: Counted, { lost }: Losses): void {
  const { outOfOrder, ...others } = counted;
  const counts = Object.entries({
    ...others,
    "out of order": outOfOrder,
    "replies dropped": lost.dropReply,
    "requests dropped": lost.dropRequest,
    ...(lost.hold > 0 && { "requests held": lost.hold }),
  }).map(([name, number]) => `${name} ${number}`);
  process.stdout.write(`${what}: ${counts.join(", ")}\n`);
}

/** A turn whose messages have its name. */
export function turn(name: string): Message[] {
  return [user(`question of ${name}`, { id: `${name}.q` }), assistant(`answer to ${name}`, { id: `${name}.a` })];
}

/** The names of the turns in their order. Checks that each turn is whole. */
export function turnsOf(messages: readonly Message[]): string[] {
  const names: string[] = [];
  for (let place = 0; place < messages.length; place += 2) {
    const name = messages[place]?.id.replace(".q", "") ?? "";
    expect([messages[place]?.id, messages[place + 1]?.id]).toEqual([`${name}.q`, `${name}.a`]);
    names.push(name);
  }
  return names;
}

/** Retries like an application, if the error says that this can help. */
export async function retried(call: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await call();
      return;
    } catch (error) {
      if (!MemoryError.is(error) || !error.retryable || tries === 20) throw error;
    }
  }
}
