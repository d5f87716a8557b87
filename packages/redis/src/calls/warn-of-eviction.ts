import { backendChannel, warnOf } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import { ErrorReply, NoReply } from "../wire/failures.ts";
import type { RedisCommands } from "../wire/redis-commands.ts";

const warn = warnOf(BACKEND);

/**
 * Warns, if anybody listens, of a server that drops memories when it is full. Looks once and in the background, and
 * says nothing if the server cannot be reached or does not let this user look: calls tell of the first, and the second
 * is no reason to worry.
 */
export function warnOfEviction(commands: RedisCommands, timeoutMs: number): void {
  if (!backendChannel.hasSubscribers) return;
  look().catch(() =>
    warn("whether the server drops keys when it is full is not known: looking failed in a way that was not expected"),
  );

  async function look(): Promise<void> {
    const masters = await answered(commands.masters?.({ timeoutMs }) ?? Promise.resolve([{ name: "", commands }]));
    for (const { name, commands: server } of masters ?? []) {
      const [facts] = (await answered(server.send([["INFO", "memory"]], { timeoutMs }))) ?? [];
      if (facts === undefined || facts instanceof ErrorReply) continue;
      const [, policy = "noeviction"] = /^maxmemory_policy:(\S+)/m.exec(String(facts)) ?? [];
      const [, limit = "0"] = /^maxmemory:(\d+)/m.exec(String(facts)) ?? [];
      if (policy === "noeviction" || limit === "0") continue;
      const which = name === "" ? "the server" : `the server ${name}`;
      const detail = `${which} drops keys when it is full (maxmemory-policy ${policy}): memories can vanish. Set it to noeviction.`;
      warn(detail);
    }
  }
}

async function answered<R>(replies: Promise<R>): Promise<R | undefined> {
  try {
    return await replies;
  } catch (error) {
    if (error instanceof NoReply) return undefined;
    throw error;
  }
}
