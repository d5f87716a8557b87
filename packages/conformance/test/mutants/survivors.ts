/** What LangGraph's kit for its checkpointers lets pass, by the names that the mutants have here. */
export const survivors: Readonly<Record<string, string>> = {
  "prefix delete": "deletes all that begin with the id",
  "lossy JSON": "drops fields that are null",
  "duplicated writes": "appends once more",
  "orphaned writes": "appends to memories that it does not list",
  "throwing on a missing delete": "rejects a delete of what is absent",
  "lost concurrent puts": "loses one of two appends at the same time",
  "mangled Unicode": "takes texts for Latin-1",
  "a 64 KB cap": "cuts texts at 64 KB",
  "leftovers after delete": "leaves the operations of what it deletes",
};
