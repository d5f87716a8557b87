import { readFile } from "node:fs/promises";
import { join } from "node:path";

const logName = "redis.log";

/** The configuration file of the server with that data folder. The server may write to it. */
export function configFileOf(directory: string): string {
  return join(directory, "redis.conf");
}

/**
 * The arguments of redis-server. `args` come last and so win. redis-server accepts a file only as the first argument.
 */
export function serverArguments(bind: string, port: number, directory: string, args: readonly string[]): string[] {
  const place = ["--bind", bind, "--port", String(port), "--dir", directory, "--logfile", join(directory, logName)];
  const rest = ["--save", "", "--appendonly", "no", "--daemonize", "no", ...args];
  return [configFileOf(directory), ...place, ...rest];
}

/** The log of the server with that data folder. A bad argument is reported on stderr instead, before there is a log. */
export async function logOf(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, logName), "utf8");
  } catch (error) {
    return `(The server left no log: ${(error as Error).message})`; // Node's file system throws only errors
  }
}
