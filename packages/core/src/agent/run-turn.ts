import { untilAborted } from "../concurrency/until-aborted.ts";
import { askChannel } from "../contract/diagnostics.ts";
import { causeWithoutMessage } from "../contract/memory-error.ts";
import { system } from "../contract/message.ts";
import type { Reply } from "../contract/reply.ts";
import type { AbortPolicy } from "./agent-options.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import { pairToolCalls } from "./pair-tool-calls.ts";
import { type TurnPlace, targetOf } from "./turn-target.ts";

export interface AgentTurn extends Omit<ExchangeOptions, "context"> {
  place: TurnPlace;
  systemPrompt: string | undefined;
  onAbort: AbortPolicy;
  /** When it was requested, by `performance.now()`: milliseconds. */
  calledAt: number;
}

/** Runs one turn: loads the window, asks the model, stores the turn. */
export async function runTurn(turn: AgentTurn): Promise<Reply> {
  const { systemPrompt, onAbort, signal } = turn;
  const target = targetOf(turn.place);
  const ms = { queued: performance.now() - turn.calledAt, load: 0, model: 0, save: 0 };
  const timed = async <T>(part: keyof typeof ms, task: () => Promise<T>): Promise<T> => {
    const started = performance.now();
    try {
      return await task();
    } finally {
      ms[part] += performance.now() - started;
    }
  };
  let exchange: Exchange | undefined;
  let failure: { error?: unknown } = {};
  try {
    const window = await timed("load", () => untilAborted(target.load(signal), signal));
    const prompt = systemPrompt === undefined ? [] : [system(systemPrompt)];
    const running = new Exchange({ ...turn, context: [...prompt, ...pairToolCalls(window)] });
    exchange = running;
    let reply: Reply;
    try {
      reply = await timed("model", () => running.run());
    } catch (error) {
      if (!signal.aborted) throw error;
      const partial = onAbort === "keep" ? running.partial() : null;
      if (partial !== null) await timed("save", () => target.store(partial.messages, partial.reply));
      throw signal.reason;
    }
    // From here on the signal has no effect: the reply is complete and must be kept.
    await timed("save", () => target.store(running.messages, reply));
    return reply;
  } catch (error) {
    failure = { error: causeWithoutMessage(error) };
    throw error;
  } finally {
    const { toolRounds = 0, usage = null } = exchange ?? {};
    askChannel.publish({ memoryId: target.memoryId, toolRounds, usage, ms, ...failure });
  }
}
