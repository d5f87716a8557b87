import { readFile } from "node:fs/promises";
import { join } from "node:path";

const logName = "redis.log";

/** What redis-server is told unless `args`, which come last and so win, tell it otherwise. */
export function serverArguments(bind: string, port: number, directory: string, args: readonly string[]): string[] {
  const place = ["--bind", bind, "--port", String(port), "--dir", directory, "--logfile", join(directory, logName)];
  return [...place, "--save", "", "--appendonly", "no", "--daemonize", "no", ...args];
}

/** What a server with those arguments has logged; a bad argument it reports on stderr instead, before there is a log. */
export async function logOf(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, logName), "utf8");
  } catch (error) {
    return `(It left no log: ${(error as Error).message})`; // what Node's file system throws
  }
}
