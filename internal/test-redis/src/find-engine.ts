import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { findDocker } from "./docker.ts";
import type { Engine } from "./engine.ts";
import { programEngine } from "./program.ts";

const run = promisify(execFile);

/** What to do where there is none. */
export const howToGetOne: string = `The tests need a real redis-server, 6.2 or later, and found none. Do one of these:
  Debian, Ubuntu   sudo apt-get install redis-server
  macOS            brew install redis
  elsewhere        start Docker, and they run the image redis:7
  or               set REDIS_SERVER to the path of the program`;

/** The redis-server that `REDIS_SERVER` or else `PATH` names. */
export function nameOfProgram(env: NodeJS.ProcessEnv = process.env): string {
  return env["REDIS_SERVER"] || "redis-server";
}

/**
 * The program, or Docker where there is only that. Rejects with {@link howToGetOne} where there is neither, and where `REDIS_SERVER`
 * names a program that does not run: whoever set it does not want another one.
 */
export async function findEngine(env: NodeJS.ProcessEnv = process.env): Promise<Engine> {
  const program = nameOfProgram(env);
  let reason: unknown;
  try {
    await run(program, ["--version"], { env, timeout: 30_000 });
    return programEngine(program, env);
  } catch (error) {
    reason = error;
  }
  if (env["REDIS_SERVER"]) {
    throw new Error(`REDIS_SERVER is ${JSON.stringify(program)}, which does not run.\n${howToGetOne}`, {
      cause: reason,
    });
  }
  const docker = await findDocker(env);
  if (docker !== undefined) return docker;
  throw new Error(howToGetOne, { cause: reason });
}
