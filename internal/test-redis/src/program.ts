import { spawn } from "node:child_process";
import { AwaitedChild } from "./awaited-child.ts";
import type { Engine } from "./engine.ts";
import { guard } from "./guard.ts";
import { logOf, serverArguments } from "./server-arguments.ts";

/** Runs the redis-server of this machine. */
export function programEngine(program: string, env: NodeJS.ProcessEnv): Engine {
  return {
    name: program,
    sharesLoopback: true,
    async start(port, directory, args) {
      const child = await AwaitedChild.of(
        spawn(program, serverArguments("127.0.0.1", port, directory, args), {
          env,
          stdio: ["ignore", "pipe", "pipe"],
          // Ctrl-C ends the test process, and then the guard ends the server.
          detached: true,
        }),
      );
      const cleanup = guard(env, ["kill", "-9", String(child.pid)], ["rm", "-rf", directory]);
      child.onEnd(() => cleanup.dismiss());
      return {
        pid: child.pid,
        isAlive: () => child.isAlive(),
        output: async () => child.said + (await logOf(directory)),
        freeze: async () => child.signal("SIGSTOP"),
        thaw: async () => child.signal("SIGCONT"),
        async kill() {
          child.signal("SIGKILL");
          await child.ended();
        },
        async stop() {
          child.signal("SIGTERM");
          child.signal("SIGCONT"); // a frozen server receives SIGTERM only after this
          await child.ended();
        },
      };
    },
  };
}
