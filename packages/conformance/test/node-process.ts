import { spawn } from "node:child_process";
import { join } from "node:path";

/** The folder of the package, in which the processes run. */
export const packageFolder: string = join(__dirname, "..");

export interface Ended {
  /** `null` if the process was killed because it took too long. */
  status: number | null;
  stdout: string;
  /** The output of both streams, in the order in which it came. */
  output: string;
}

/**
 * Runs a program on this Node, without colours, and without the variables that the test runner adds to the environment.
 */
export function runNode(args: readonly string[], timeoutMs = 120_000): Promise<Ended> {
  const { JEST_WORKER_ID: _, NODE_OPTIONS: __, FORCE_COLOR: ___, NODE_ENV: ____, ...inherited } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: packageFolder,
    env: { ...inherited, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  let stdout = "";
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, stdout, output }));
  });
}
