import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { AwaitedChild } from "./awaited-child.ts";
import type { Engine } from "./engine.ts";
import { guard } from "./guard.ts";
import { logOf, serverArguments } from "./server-arguments.ts";

const run = promisify(execFile);

/** The image that is run if `REDIS_IMAGE` is not set. */
export const DEFAULT_IMAGE = "redis:7";

/**
 * The image's own shell runs this, so that images of Redis and of Valkey both work. The name of their server differs,
 * and their entry points do more than start it: as root, some change to a user who cannot write to the test's folder.
 * `exec` makes the server the container's first process, to which Docker sends signals.
 */
const RUN_THE_SERVER =
  'if command -v redis-server >/dev/null; then exec redis-server "$@"; else exec valkey-server "$@"; fi';

/** How long Docker may take to describe itself or the image, and to fetch the image, in ms. */
const INFO_LIMIT = 30_000;
const PULL_LIMIT = 600_000;

/**
 * An engine that runs containers with the program `docker`; `undefined` if Docker does not answer. Fetches the image if
 * it is missing, and rejects with Docker's own message if that fails.
 */
export async function findDocker(env: NodeJS.ProcessEnv, image: string): Promise<Engine | undefined> {
  let about: string;
  try {
    const format = "{{.OperatingSystem}} {{json .SecurityOptions}}";
    about = (await run("docker", ["info", "--format", format], { env, timeout: INFO_LIMIT })).stdout;
  } catch {
    // Docker is missing or does not answer, which makes no difference here.
    return undefined;
  }
  try {
    await run("docker", ["image", "inspect", image], { env, timeout: INFO_LIMIT });
  } catch {
    // `docker run` would fetch it too, but takes longer then than a server may take to start.
    await run("docker", ["pull", image], { env, timeout: PULL_LIMIT });
  }
  return containers(env, image, about.includes("rootless"), about.includes("Docker Desktop"));
}

function containers(env: NodeJS.ProcessEnv, image: string, isRootless: boolean, isDesktop: boolean): Engine {
  // A container can share the loopback interface of its engine. If that is not this machine's, a port is published.
  const sharesLoopback = process.platform === "linux" && !isRootless && !isDesktop;
  const bind = sharesLoopback ? "127.0.0.1" : "0.0.0.0";
  // The user who runs the tests must be able to remove the server's files. In rootless Docker, the container's root is
  // that user.
  const user = isRootless ? "0:0" : `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`;
  return {
    name: `docker, ${image}`,
    sharesLoopback,
    async start(port, directory, args) {
      const name = `deep-agent-test-${randomBytes(6).toString("hex")}`;
      const network = sharesLoopback ? ["--network", "host"] : ["--publish", `127.0.0.1:${port}:${port}`];
      const options = ["--rm", "--name", name, "--user", user, ...network, "--entrypoint", "sh"];
      // The whole folder: certificates, for example, lie beside the data folder.
      const folders = ["--volume", `${tmpdir()}:${tmpdir()}`];
      const server = serverArguments(bind, port, directory, ["--protected-mode", "no", ...args]);
      // After the script come the shell's $0, its name in its messages, and the server's arguments.
      const words = ["run", ...options, ...folders, image, "-c", RUN_THE_SERVER, "sh", ...server];
      const child = await AwaitedChild.of(
        spawn("docker", words, { env, stdio: ["ignore", "pipe", "pipe"], detached: true }),
      );
      const cleanup = guard(env, ["docker", "kill", name], ["rm", "-rf", directory]);
      child.onEnd(() => cleanup.dismiss());
      const docker = async (...command: string[]): Promise<void> =>
        void (await run("docker", [...command, name], { env }));
      let isFrozen = false;
      const thaw = async (): Promise<void> => {
        await docker("unpause");
        isFrozen = false;
      };
      /** The container may end by itself before the command or during it. */
      const end = async (...command: string[]): Promise<void> => {
        try {
          if (child.isAlive()) await docker(...command);
        } catch (error) {
          if (!/No such container|is not running/i.test(String(error))) throw error;
          child.signal("SIGTERM"); // the container may not have started yet
        }
        await child.ended();
      };
      return {
        pid: child.pid,
        isAlive: () => child.isAlive(),
        output: async () => child.said + (await logOf(directory)),
        async freeze() {
          await docker("pause");
          isFrozen = true;
        },
        thaw,
        // Docker sends the signal first, and unpauses the container after that.
        kill: () => end("kill"),
        async stop() {
          if (isFrozen) await thaw();
          await end("stop");
        },
      };
    },
  };
}
