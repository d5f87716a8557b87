/** The records of the workers: half a turn. */
export interface Said {
  writer: string;
  turn: number;
  part: "question" | "answer";
  text: string;
}

/** A turn whose size and text follow from its writer and its number. */
export function turnOf(writer: string, turn: number, sizes: readonly number[]): Said[] {
  const size = sizes[turn % sizes.length] ?? 0;
  const text = `${writer}${turn}.`.repeat(Math.ceil(size / `${writer}${turn}.`.length));
  return [
    { writer, turn, part: "question", text },
    { writer, turn, part: "answer", text: `re: ${text.slice(0, 20)}` },
  ];
}

/** Throws unless the records are whole turns, unchanged, each once, and those of each writer in order. */
export function checkTurns(records: readonly Said[], sizes: readonly number[]): Map<string, number[]> {
  const turns = new Map<string, number[]>();
  for (let index = 0; index < records.length; index += 2) {
    const { writer, turn } = records[index] as Said; // within the array's bounds
    if (JSON.stringify(records.slice(index, index + 2)) !== JSON.stringify(turnOf(writer, turn, sizes))) {
      throw new Error(`At record ${index} turn ${turn} of ${writer} is not as it was said.`);
    }
    const before = turns.get(writer) ?? [];
    if ((before.at(-1) ?? -1) >= turn) throw new Error(`Turn ${turn} of ${writer} stands after turn ${before.at(-1)}.`);
    turns.set(writer, [...before, turn]);
  }
  return turns;
}
