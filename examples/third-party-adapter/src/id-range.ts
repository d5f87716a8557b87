/** Stands behind every text that goes on from here: no byte of UTF-8 is 0xFF. */
const END = Buffer.from([0xff]);

/**
 * Between which bytes the ids lie that begin with a prefix. Ids are kept as their UTF-8 bytes, which SQLite compares as
 * they are: text would be cut at a NUL by some functions, and LIKE ignores case and knows `%` and `_`.
 */
export function idRange(prefix: string): { from: Uint8Array; to: Uint8Array } {
  // A prefix may end in the middle of a surrogate pair. No bytes stand for that; `startsWith` decides then.
  const from = prefix.isWellFormed() ? Buffer.from(prefix) : Buffer.alloc(0);
  return { from, to: Buffer.concat([from, END]) };
}

export function idBytes(memoryId: string): Uint8Array {
  return Buffer.from(memoryId);
}

/** The id behind a value of the column. */
export function idOf(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString(); // the column is a BLOB
}
