/** Keys of the right length, for tests only. */
export const KEY: Uint8Array = Buffer.alloc(32, 1);
export const OTHER_KEY: Uint8Array = Buffer.alloc(32, 2);
export const ID_KEY: string = Buffer.alloc(32, 3).toString("base64");
