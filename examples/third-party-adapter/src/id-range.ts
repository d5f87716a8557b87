/** Sorts after every id with the same beginning: no byte of UTF-8 is 0xFF. */
const END = Buffer.from([0xff]);

/**
 * The bytes between which the ids with a prefix lie. Ids are stored as UTF-8 bytes, which SQLite compares unchanged. As
 * text, some functions would cut them at a NUL, and LIKE ignores case and interprets `%` and `_`.
 */
export function idRange(prefix: string): { from: Uint8Array; to: Uint8Array } {
  // A prefix may end in the middle of a surrogate pair, which has no UTF-8 bytes. Then the range has all ids, and
  // `startsWith` decides.
  const from = prefix.isWellFormed() ? Buffer.from(prefix) : Buffer.alloc(0);
  return { from, to: Buffer.concat([from, END]) };
}

export function idBytes(memoryId: string): Uint8Array {
  return Buffer.from(memoryId);
}

/** The id of a value of the column. */
export function idOf(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString(); // the column is a BLOB
}
