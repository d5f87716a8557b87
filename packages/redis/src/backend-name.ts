/** The name of this backend in errors and events. */
export const BACKEND = "redis";
