import { backendChannel } from "@deep-agent/core";
import { NoReply, RefusedReply } from "./redis-commands.ts";
import { BACKEND } from "./redis-error.ts";
import type { ScriptRunner } from "./script-runner.ts";

/**
 * Warns, where anybody listens, of a server that drops memories when it is full. Looks once and in the background, and says nothing
 * where the server cannot be reached or does not let this user look: calls tell of the first, and the second is no reason to worry.
 */
export function warnOfEviction({ commands }: ScriptRunner, timeoutMs: number): void {
  if (!backendChannel.hasSubscribers) return;
  look().catch((error: unknown) => {
    if (error instanceof NoReply) return;
    warn("whether the server drops keys when it is full is not known: looking failed in a way that was not expected");
  });

  async function look(): Promise<void> {
    const masters = (await commands.masters?.({ timeoutMs })) ?? [{ name: undefined, commands }];
    for (const { name, commands: server } of masters) {
      const [facts] = await server.send([["INFO", "memory"]], { timeoutMs });
      if (facts instanceof RefusedReply) continue;
      const [, policy = "noeviction"] = /^maxmemory_policy:(\S+)/m.exec(String(facts)) ?? [];
      const [, limit = "0"] = /^maxmemory:(\d+)/m.exec(String(facts)) ?? [];
      if (policy === "noeviction" || limit === "0") continue;
      const which = name === undefined ? "the server" : `the server ${name}`;
      const detail = `${which} drops keys when it is full (maxmemory-policy ${policy}): memories can vanish. Set it to noeviction.`;
      warn(detail);
    }
  }
}

function warn(detail: string): void {
  backendChannel.publish({ type: "warning", backend: BACKEND, detail });
}
