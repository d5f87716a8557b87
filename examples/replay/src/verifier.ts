import { readFile } from "node:fs/promises";
import { openBackend, supports } from "@deep-agent/core";
import { parseDialogues } from "@deep-agent-examples/offline-model";
import { addToComparison, emptyComparison } from "./comparison.ts";
import { serveParent } from "./other-process.ts";
import { ownSettings } from "./settings.ts";

// The third process: it has said nothing itself, and reads every memory.
const { file, address, prefix, keep } = ownSettings();
const backend = await openBackend(address);

serveParent(
  async () => {
    const dialogues = parseDialogues(await readFile(file, "utf8"));
    const comparison = emptyComparison();
    for (const dialogue of dialogues) {
      addToComparison(comparison, dialogue, await backend.load(prefix + dialogue.id));
    }
    // Memories that differ are kept, to be looked at.
    if (!keep && comparison.mismatches === 0) for (const { id } of dialogues) await backend.delete(prefix + id);
    return comparison;
  },
  async () => {
    if (supports(backend, "lifecycle")) await backend.close();
  },
);
