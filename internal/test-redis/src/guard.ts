import { spawn } from "node:child_process";

/** Waits to clean up after this process. */
export interface Guard {
  /** Ends the guard without a cleanup: nothing is left to clean up. */
  dismiss(): void;
}

/**
 * Runs the commands after this process has ended, even by SIGKILL: a shell waits for the end of a pipe that only this
 * process holds open. The shell is in a process group of its own, so that Ctrl-C does not reach it.
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
