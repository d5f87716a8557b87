import type { Message } from "@deep-agent/core";
import { emptyCheckpoint } from "@langchain/langgraph-checkpoint";
import { ShallowRedisSaver } from "@langchain/langgraph-checkpoint-redis/shallow";
import { type Contender, type Place, WINDOW } from "./contender.ts";

/**
 * A checkpoint is the whole state, and with it the whole history. Of the two savers, this one keeps only the newest
 * checkpoint. Both need the modules JSON and search, so opening either fails on plain Redis.
 */
export async function checkpoints({ redis: url }: Place): Promise<Contender> {
  const saver = await ShallowRedisSaver.fromUrl(url);
  const configOf = (conversation: string) => ({ configurable: { thread_id: conversation, checkpoint_ns: "" } });
  const load = async (conversation: string): Promise<Message[]> => {
    const checkpoint = await saver.get(configOf(conversation));
    return (checkpoint?.channel_values["messages"] ?? []) as Message[]; // what `save` put there
  };
  const save = (conversation: string, messages: readonly Message[]): Promise<unknown> => {
    const checkpoint = { ...emptyCheckpoint(), channel_values: { messages } };
    return saver.put(configOf(conversation), checkpoint, { source: "loop", step: 1, parents: {} }, {});
  };
  const turn: NonNullable<Contender["turn"]> = async (conversation, turn) =>
    save(conversation, [...(await load(conversation)), ...turn]);
  // The saver only logs that its indexes could not be made. So the first save shows whether it works.
  await save("first", []);
  return {
    fill: async (conversation, messages) => void (await save(conversation, messages)),
    turn,
    append: turn,
    window: async (conversation) => (await load(conversation)).slice(-WINDOW),
    load,
    drop: (conversation) => saver.deleteThread(conversation),
    close: () => saver.end(),
  };
}
