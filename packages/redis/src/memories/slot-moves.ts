/** A slot, and the masters that may have keys of it: those at `from` may be on their way to `to`. */
export interface Move {
  readonly slot: number;
  readonly from: string;
  readonly to: string;
}

/** Where slots are at a moment, and which of them are on their way. */
export interface SlotState {
  /** By slot, the name of its master. */
  readonly owners: readonly (string | undefined)[];
  /** By slot. */
  readonly moves: ReadonlyMap<number, Move>;
}

/**
 * Reads what each master says of itself in `CLUSTER NODES`: its line is `<id> <address> myself,master … <slots>`, where
 * a slot that moves is `[<slot>->-<id of the other>]` at its source and `[<slot>-<-<id>]` at its target. Every master
 * says only this of its own slots. A master that was not asked has no name here: "".
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
 * The slots whose keys may have been missed by a reading between the two moments; of those alone that are given, where
 * they were just read, source first: these are in doubt only if they did not keep going the same way.
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
