/**
 * The bugs that LangGraph's kit for checkpointers does not catch, with the names of the mutants that have them here.
 */
export const survivors: Readonly<Record<string, string>> = {
  "prefix delete": "deletes all memories whose ids begin with the id",
  "lossy JSON": "drops fields that are null",
  "duplicated writes": "appends a repeated operation again",
  "orphaned writes": "appends to memories that it does not list",
  "throwing on a missing delete": "rejects a delete of an absent memory",
  "lost concurrent puts": "loses one of two appends at the same time",
  "mangled Unicode": "reads texts as Latin-1",
  "a 64 KB cap": "cuts texts at 64 KB",
  "leftovers after delete": "leaves the operations of a deleted memory",
};
