import { type Dialogue, turnsOf } from "@deep-agent-examples/offline-model";

/** A turn to replay: the dialogue's id, and the number of the turn in it, counted from 0. */
export interface TurnTask {
  dialogue: string;
  turn: number;
}

interface Worker {
  do(task: TurnTask): Promise<unknown>;
}

const IN_FLIGHT = 16;

/**
 * Hands out all turns. The turns of one dialogue run one after another, and alternate between the workers. Many
 * dialogues run at once.
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
