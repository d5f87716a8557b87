import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Whatever can run a redis-server here. */
export interface Engine {
  readonly name: string;
  /** Begins to run one on that port of 127.0.0.1. */
  start(port: number, directory: string, args: readonly string[]): Promise<RunningServer>;
}

export interface RunningServer {
  isAlive(): boolean;
  /** What it said so far. */
  output(): Promise<string>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

/** What to do where there is none. */
export const howToGetOne: string = `The tests need a real redis-server, 7.0 or later, and found none. Do one of these:
  Debian, Ubuntu   sudo apt-get install redis-server
  macOS            brew install redis
  elsewhere        start Docker, and they run the image redis:7
  or               set REDIS_SERVER to the path of the program`;

const IMAGE = "redis:7";

/** The program, or Docker where there is only that. Rejects with {@link howToGetOne} where there is neither. */
export async function findEngine(): Promise<Engine> {
  const program = process.env["REDIS_SERVER"] || "redis-server";
  if (await answers(program, ["--version"])) return processes(program);
  if (await answers("docker", ["info"])) return containers();
  throw new Error(howToGetOne);
}

async function answers(program: string, args: readonly string[]): Promise<boolean> {
  try {
    await run(program, args, { timeout: 30_000 });
    return true;
  } catch {
    // Not there, or not working: the same here.
    return false;
  }
}

const logName = "redis.log";

function argumentsFor(bind: string, port: number, directory: string, args: readonly string[]): string[] {
  const defaults = ["--bind", bind, "--port", String(port), "--dir", directory, "--logfile", join(directory, logName)];
  return [...defaults, "--save", "", "--appendonly", "no", "--daemonize", "no", ...args];
}

async function logOf(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, logName), "utf8");
  } catch (error) {
    return `(it left no log: ${(error as Error).message})`;
  }
}

function processes(program: string): Engine {
  return {
    name: program,
    async start(port, directory, args) {
      const child = spawn(program, argumentsFor("127.0.0.1", port, directory, args), { stdio: "ignore" });
      await once(child, "spawn");
      const guard = outlive(["kill", "-9", String(child.pid)]);
      const isAlive = (): boolean => child.exitCode === null && child.signalCode === null;
      const end = async (signal: NodeJS.Signals): Promise<void> => {
        if (isAlive()) {
          const exited = once(child, "exit");
          child.kill("SIGCONT"); // a frozen one hears nothing else but SIGKILL
          child.kill(signal);
          await exited;
        }
        guard.kill();
      };
      return {
        isAlive,
        output: () => logOf(directory),
        freeze: async () => void child.kill("SIGSTOP"),
        thaw: async () => void child.kill("SIGCONT"),
        kill: () => end("SIGKILL"),
        stop: () => end("SIGTERM"),
      };
    },
  };
}

function containers(): Engine {
  return {
    name: `docker, ${IMAGE}`,
    async start(port, directory, args) {
      const name = `deep-agent-test-${randomBytes(6).toString("hex")}`;
      // On Linux, a container can share the loopback of its host; elsewhere only a port of it.
      const network = process.platform === "linux" ? ["--network", "host"] : ["--publish", `127.0.0.1:${port}:${port}`];
      const bind = process.platform === "linux" ? "127.0.0.1" : "0.0.0.0";
      // Certificates and the like lie beside the data folder.
      const folders = ["--volume", `${tmpdir()}:${tmpdir()}`];
      const server = ["redis-server", ...argumentsFor(bind, port, directory, ["--protected-mode", "no", ...args])];
      await run("docker", [
        "run",
        "--detach",
        "--rm",
        "--user",
        "0",
        "--name",
        name,
        ...network,
        ...folders,
        IMAGE,
        ...server,
      ]);
      const guard = outlive(["docker", "kill", name]);
      let alive = true;
      const docker = async (...words: string[]): Promise<void> => void (await run("docker", [...words, name]));
      const end = async (...words: string[]): Promise<void> => {
        if (alive) await docker(...words);
        alive = false;
        guard.kill();
      };
      return {
        isAlive: () => alive,
        output: () => logOf(directory),
        freeze: () => docker("pause"),
        thaw: () => docker("unpause"),
        kill: () => end("kill"),
        stop: () => end("stop"),
      };
    },
  };
}

/**
 * Runs the command when this process has ended, however it did: the guard waits for the end of a pipe that only this process holds open.
 * Kill the guard where there is nothing left to do.
 */
function outlive(command: readonly string[]): ChildProcess {
  const guard = spawn("sh", ["-c", 'read -r _; "$@" 2>/dev/null', "sh", ...command], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.unref();
  return guard;
}
