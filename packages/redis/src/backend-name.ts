/** What errors and events call this backend. */
export const BACKEND = "redis";
