import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { DEFAULT_IMAGE, findDocker } from "./docker.ts";
import type { Engine } from "./engine.ts";
import { programEngine } from "./program.ts";

const run = promisify(execFile);

/** What to do if there is no redis-server. */
export const howToGetOne: string = `The tests need a real redis-server, 6.2 or later, and did not find one. Do one of these:
  Debian, Ubuntu   sudo apt-get install redis-server
  macOS            brew install redis
  elsewhere        start Docker: the tests then run the image ${DEFAULT_IMAGE}
  or               set REDIS_SERVER to the path of the program`;

/** What to do if `REDIS_IMAGE` asks for Docker, and Docker does not answer. */
const howToGetDocker =
  "Running that image takes Docker, but `docker info` does not answer. Start Docker, or unset REDIS_IMAGE: " +
  "then the tests run the redis-server of this machine.";

/** The program to run: the value of `REDIS_SERVER`, or `redis-server`, which is looked up on `PATH`. */
export function nameOfProgram(env: NodeJS.ProcessEnv = process.env): string {
  return env["REDIS_SERVER"] || "redis-server";
}

/**
 * What runs the servers of the tests:
 *
 * - the image that `REDIS_IMAGE` names, in Docker;
 * - or else the program that `REDIS_SERVER` names;
 * - or else the `redis-server` on `PATH`;
 * - or else the default image, in Docker.
 *
 * A variable asks for that server and no other one. So this rejects if the server that a variable names does not run,
 * and if both variables are set. It rejects with {@link howToGetOne} if there is no server at all.
 */
export async function findEngine(env: NodeJS.ProcessEnv = process.env): Promise<Engine> {
  const image = env["REDIS_IMAGE"];
  if (image) return engineOfImage(image, env);
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
  const docker = await findDocker(env, DEFAULT_IMAGE);
  if (docker !== undefined) return docker;
  throw new Error(howToGetOne, { cause: reason });
}

async function engineOfImage(image: string, env: NodeJS.ProcessEnv): Promise<Engine> {
  const asked = `REDIS_IMAGE is ${JSON.stringify(image)}`;
  if (env["REDIS_SERVER"]) {
    throw new Error(
      `${asked}, and REDIS_SERVER is ${JSON.stringify(env["REDIS_SERVER"])}. ` +
        "The tests run on one of them only: unset the other variable.",
    );
  }
  let docker: Engine | undefined;
  try {
    docker = await findDocker(env, image);
  } catch (error) {
    const { message } = error as Error; // an error of `execFile`, whose message holds the command and its output
    throw new Error(`${asked}, but Docker cannot fetch that image. Check the name.\n${message}`, { cause: error });
  }
  if (docker === undefined) throw new Error(`${asked}. ${howToGetDocker}`);
  return docker;
}
