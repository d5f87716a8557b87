import type { Message } from "@deep-agent/core";
import type { Tally } from "../tally.ts";
import type { Series } from "./series.ts";

/** Compares what a reader finds with what was sent and acknowledged. */
export interface Audit extends Omit<Tally, "scenario" | "faults"> {
  /** Turns that are stored, although they were not acknowledged. */
  unacknowledged: number;
}

/**
 * A turn is two messages, one right after the other. Each acknowledged turn must be there once. Each other turn that
 * was tried may be there once. Nothing else may be there. The turns of a series must be in the order of their writing.
 */
export function audit(series: readonly Series[], messages: readonly Message[]): Audit {
  const found: Audit = { acknowledged: 0, lost: 0, duplicated: 0, torn: 0, silentlyWrong: 0, unacknowledged: 0 };
  const byName = new Map(series.map((one) => [one.name, { one, present: new Set<number>(), last: -1 }]));
  for (let place = 0; place < messages.length; place++) {
    const [, name = "", digits, part] = /^(\w+)-(\d+)\.([qa])$/.exec(messages[place]?.id ?? "") ?? [];
    const turn = Number(digits);
    const known = byName.get(name);
    if (known === undefined || !known.one.wasTried(turn)) {
      found.silentlyWrong += 1; // never sent
      continue;
    }
    const isWhole = part === "q" && messages[place + 1]?.id === `${name}-${turn}.a`;
    if (!isWhole) {
      found.torn += 1;
      continue;
    }
    const pair = messages.slice(place, place + 2).map((message) => JSON.stringify(message));
    place += 1;
    if (pair.join() !== known.one.sent(turn).join()) found.silentlyWrong += 1;
    if (known.present.has(turn)) found.duplicated += 1;
    else if (turn < known.last) found.silentlyWrong += 1; // out of order
    known.present.add(turn);
    known.last = Math.max(known.last, turn);
  }
  for (const { one, present } of byName.values()) {
    const acknowledged = new Set(one.acknowledged);
    found.acknowledged += acknowledged.size;
    found.lost += [...acknowledged].filter((turn) => !present.has(turn)).length;
    found.unacknowledged += [...present].filter((turn) => !acknowledged.has(turn)).length;
  }
  return found;
}
