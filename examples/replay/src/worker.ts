import { readFile } from "node:fs/promises";
import { openBackend, supports } from "@deep-agent/core";
import { type Dialogue, parseDialogues } from "@deep-agent-examples/offline-model";
import type { TurnTask } from "./drive.ts";
import { serveParent } from "./other-process.ts";
import { ReplayedDialogue } from "./replayed-dialogue.ts";
import { ownSettings } from "./settings.ts";

// One of the two processes that share the turns of each dialogue.
const settings = ownSettings();
const backend = await openBackend(settings.address);
const recorded = new Map<string, Dialogue>(
  parseDialogues(await readFile(settings.file, "utf8")).map((dialogue) => [dialogue.id, dialogue]),
);
const replayed = new Map<string, ReplayedDialogue>();

serveParent<TurnTask>(
  async ({ dialogue: id, turn }) => {
    const dialogue = recorded.get(id);
    if (dialogue === undefined) throw new Error(`There is no dialogue ${JSON.stringify(id)}.`);
    const alive = replayed.get(id) ?? new ReplayedDialogue(dialogue, backend, settings);
    replayed.set(id, alive);
    try {
      await alive.say(turn);
    } catch (error) {
      throw new Error(
        `Turn ${turn} of dialogue ${JSON.stringify(id)} failed: ${error instanceof Error ? error.message : error}`,
      );
    }
  },
  async () => {
    if (supports(backend, "lifecycle")) await backend.close();
  },
);
