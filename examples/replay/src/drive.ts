import { type Dialogue, turnsOf } from "@deep-agent-examples/offline-model";

/** One turn to be replayed: of which dialogue, and which of its turns, counted from 0. */
export interface TurnTask {
  dialogue: string;
  turn: number;
}

interface Worker {
  do(task: TurnTask): Promise<unknown>;
}

const IN_FLIGHT = 16;

/**
 * Hands out all turns: those of one dialogue one after the other, each to the other worker than the one before; many dialogues
 * at once.
 */
export async function drive(
  dialogues: readonly Dialogue[],
  workers: readonly Worker[],
  onTurn: () => void,
): Promise<void> {
  const waiting = dialogues.entries();
  const lane = async (): Promise<void> => {
    for (const [index, dialogue] of waiting) {
      for (const turn of turnsOf(dialogue).keys()) {
        const worker = workers[(index + turn) % workers.length];
        await worker?.do({ dialogue: dialogue.id, turn });
        onTurn();
      }
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}
