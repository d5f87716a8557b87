/**
 * How many of the newest appends stay known when a save with `keepOperations` or `maxRecords` removes their entries. As
 * many saves with a name stay known.
 */
export const KEPT_OPERATIONS = 64;
