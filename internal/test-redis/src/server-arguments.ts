import { readFile } from "node:fs/promises";
import { join } from "node:path";

const logName = "redis.log";

/** Where a server with that data folder may write its configuration. */
export function configFileOf(directory: string): string {
  return join(directory, "redis.conf");
}

/** What redis-server is told unless `args`, which come last and so win, tell it otherwise. The file it takes only in front. */
export function serverArguments(bind: string, port: number, directory: string, args: readonly string[]): string[] {
  const place = ["--bind", bind, "--port", String(port), "--dir", directory, "--logfile", join(directory, logName)];
  const rest = ["--save", "", "--appendonly", "no", "--daemonize", "no", ...args];
  return [configFileOf(directory), ...place, ...rest];
}

/** What a server with those arguments has logged; a bad argument it reports on stderr instead, before there is a log. */
export async function logOf(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, logName), "utf8");
  } catch (error) {
    return `(It left no log: ${(error as Error).message})`; // what Node's file system throws
  }
}
