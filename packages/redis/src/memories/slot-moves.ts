/** A slot that moves, and the two masters that may have keys of it. */
export interface Move {
  readonly slot: number;
  readonly from: string;
  readonly to: string;
}

/** Which master has each slot at one moment, and which slots are moving. */
export interface SlotState {
  /** The name of each slot's master, by slot. */
  readonly owners: readonly (string | undefined)[];
  /** The slots that are moving, by slot. */
  readonly moves: ReadonlyMap<number, Move>;
}

/**
 * Reads each master's own line in its `CLUSTER NODES`: `<id> <address> myself,master … <slots>`. In it, a moving slot
 * is `[<slot>->-<id of the other>]` at its source, and `[<slot>-<-<id>]` at its target. Only a master's own line shows
 * moving slots. A master that was not asked has the name "" here.
 */
export function readSlots(texts: readonly (readonly [name: string, text: string])[]): SlotState {
  const own = texts.flatMap(([name, text]) => {
    const [id = "", ...fields] =
      text
        .split("\n")
        .find((line) => /\bmyself\b/.test(line))
        ?.split(" ") ?? [];
    return [{ name, id, slots: fields.slice(7) }];
  });
  const names = new Map(own.map(({ id, name }) => [id, name]));
  const owners: (string | undefined)[] = [];
  const moves = new Map<number, Move>();
  for (const { name, slots } of own) {
    for (const text of slots) {
      const moving = /^\[(\d+)-([<>])-(\w+)\]$/.exec(text);
      if (moving === null) {
        const [first = 0, last = first] = text.split("-").map(Number);
        for (let slot = first; slot <= last; slot++) owners[slot] = name;
        continue;
      }
      const slot = Number(moving[1]);
      const other = names.get(moving[3] ?? "") ?? "";
      moves.set(slot, moving[2] === ">" ? { slot, from: name, to: other } : { slot, from: other, to: name });
    }
  }
  return { owners, moves };
}

/**
 * The slots whose keys a reading between the two moments may have missed. `just`: only these slots were read between
 * the moments, each at its source first. Such a slot stays in doubt unless its move went on or ended in the same
 * direction, or it did not move at all.
 */
export function doubtfulSlots(before: SlotState, after: SlotState, just?: readonly Move[]): Move[] {
  if (just !== undefined) {
    const kept = ({ slot, from, to }: Move): boolean => {
      const move = after.moves.get(slot);
      return move === undefined
        ? after.owners[slot] === to || (from === to && after.owners[slot] === from)
        : move.from === from && move.to === to;
    };
    return just.filter((move) => !kept(move)).map(({ slot }) => moveOf(slot, before, after));
  }
  const slots = new Set([...before.moves.keys(), ...after.moves.keys()]);
  for (let slot = 0; slot < Math.max(before.owners.length, after.owners.length); slot++) {
    if (before.owners[slot] !== after.owners[slot]) slots.add(slot);
  }
  return [...slots].map((slot) => moveOf(slot, before, after));
}

function moveOf(slot: number, before: SlotState, after: SlotState): Move {
  const now = after.owners[slot] ?? "";
  return after.moves.get(slot) ?? { slot, from: before.owners[slot] ?? now, to: now };
}
