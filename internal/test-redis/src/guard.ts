import { spawn } from "node:child_process";

/** Waits to clean up behind this process. */
export interface Guard {
  /** There is nothing left to clean up. */
  dismiss(): void;
}

/**
 * Runs the commands when this process has ended, however it did, SIGKILL included: a shell waits for the end of a pipe that only this
 * process holds open. It is in a group of its own, so that Ctrl-C does not reach it.
 */
export function guard(env: NodeJS.ProcessEnv, ...commands: readonly (readonly string[])[]): Guard {
  const script = commands.map((command) => command.map(quoted).join(" ")).join("; ");
  const shell = spawn("/bin/sh", ["-c", `read -r _; ${script}`], {
    env,
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  shell.unref();
  return { dismiss: () => void shell.kill() };
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
