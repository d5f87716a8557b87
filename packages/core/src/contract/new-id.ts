const ID_BYTES = 16;

/** Random bytes for the next ids. Requesting them from the system costs more than everything else that an id needs. */
const pool: Buffer = Buffer.alloc(128 * ID_BYTES);
let used: number = pool.length;

/** A new id of 128 random bits in base64url: 22 characters, valid for operations, epochs and messages. */
export function newId(): string {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  used += ID_BYTES;
  return pool.toString("base64url", used - ID_BYTES, used);
}
