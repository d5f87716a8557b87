import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { installOnDebian } from "../src/debian.ts";
import { findEngine, howToGetOne } from "../src/find-engine.ts";
import { startRedis } from "../src/index.ts";

const real = execFileSync("sh", ["-c", `command -v "${process.env["REDIS_SERVER"] || "redis-server"}" || true`])
  .toString()
  .trim();

let folder: string;
let env: NodeJS.ProcessEnv;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "deep-agent-path-"));
  env = { PATH: folder };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Puts a program on this test's PATH, which is empty otherwise. The program notes how it was called. */
async function fake(name: string, script = ""): Promise<void> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\necho "${name} $*" >> ${folder}/calls\n${script}\n`);
  await chmod(path, 0o755);
}

async function calls(): Promise<string[]> {
  return (await readFile(join(folder, "calls"), "utf8")).trimEnd().split("\n");
}

/**
 * A fake Docker whose containers are processes. The name comes after --name, the program after --entrypoint, and its
 * arguments after the image, which is the default if the variable is not set. A container's programs are those of
 * `image`, a folder beside this one.
 */
const dockerOfProcesses = `
PATH=/usr/bin:/bin
image="${"$"}{REDIS_IMAGE:-redis:7}"
at() { echo "${"$"}{0%/*}/$1.pid"; }
case "$1" in
  info) echo "Debian GNU/Linux []" ;;
  image) exit 1 ;;
  pull) ;;
  run)
    while [ "$1" != "$image" ]; do
      case "$1" in --name) name="$2" ;; --entrypoint) program="$2" ;; esac
      shift
    done
    shift
    echo $$ > "$(at "$name")"
    PATH="${"$"}{0%/*}/image"
    exec "$program" "$@" ;;
  pause) kill -STOP "$(cat "$(at "$2")")" ;;
  unpause) kill -CONT "$(cat "$(at "$2")")" ;;
  kill) kill -KILL "$(cat "$(at "$2")")" ;;
  stop) kill -TERM "$(cat "$(at "$2")")" ;;
esac`;

/** Makes the image: a shell, and a server with that name if a name is given. */
async function makeImage(server?: string): Promise<void> {
  const image = join(folder, "image");
  await mkdir(image);
  await symlink("/bin/sh", join(image, "sh"));
  if (server !== undefined) await symlink(real, join(image, server));
}

describe("where a redis-server comes from", () => {
  it("is the machine, if it has a redis-server", async () => {
    await fake("redis-server");
    await fake("docker");
    expect((await findEngine(env)).name).toBe("redis-server");
    expect(await calls()).toEqual(["redis-server --version"]);
  });

  it("is only what REDIS_SERVER names, if it is set", async () => {
    await fake("redis-server");
    await fake("mine");
    env["REDIS_SERVER"] = join(folder, "mine");
    expect((await findEngine(env)).name).toBe(join(folder, "mine"));
    env["REDIS_SERVER"] = join(folder, "none");
    await expect(findEngine(env)).rejects.toThrow(/REDIS_SERVER is ".*none", which does not run/);
  });

  it("is Docker if there is no program, and the image is fetched first", async () => {
    await fake("redis-server", "exit 1");
    await fake("docker", dockerOfProcesses);
    expect((await findEngine(env)).name).toBe("docker, redis:7");
    expect((await calls()).slice(1)).toEqual([
      "docker info --format {{.OperatingSystem}} {{json .SecurityOptions}}",
      "docker image inspect redis:7",
      "docker pull redis:7",
    ]);
  });

  it("is the image that REDIS_IMAGE names, even if the machine has a program", async () => {
    await fake("redis-server");
    await fake("docker", dockerOfProcesses);
    env["REDIS_IMAGE"] = "valkey/valkey:8";
    expect((await findEngine(env)).name).toBe("docker, valkey/valkey:8");
    expect(await calls()).toEqual([
      "docker info --format {{.OperatingSystem}} {{json .SecurityOptions}}",
      "docker image inspect valkey/valkey:8",
      "docker pull valkey/valkey:8",
    ]);
  });

  it("is not fetched again if Docker has the image", async () => {
    await fake("docker");
    env["REDIS_IMAGE"] = "redis:8";
    await findEngine(env);
    expect((await calls()).at(-1)).toBe("docker image inspect redis:8");
  });

  it("is only the image that REDIS_IMAGE names: if it is unavailable, the error says what to do", async () => {
    await fake("redis-server");
    env["REDIS_IMAGE"] = "redis:8";
    await expect(findEngine(env)).rejects.toThrow(/^REDIS_IMAGE is "redis:8".*Start Docker, or unset REDIS_IMAGE/);
    await fake("docker", 'case "$1" in image | pull) echo "no such image" >&2; exit 1 ;; esac');
    await expect(findEngine(env)).rejects.toThrow(
      /^REDIS_IMAGE is "redis:8", but Docker cannot fetch that image.*no such image/s,
    );
  });

  it("is a single source: with both REDIS_IMAGE and REDIS_SERVER, nothing is run", async () => {
    await fake("redis-server");
    await fake("docker");
    env["REDIS_IMAGE"] = "redis:8";
    env["REDIS_SERVER"] = join(folder, "redis-server");
    await expect(findEngine(env)).rejects.toThrow(/REDIS_IMAGE is .* and REDIS_SERVER is .*unset the other/);
    expect(existsSync(join(folder, "calls"))).toBe(false);
  });

  it("is reported as missing, with what to do, if there is neither a program nor Docker", async () => {
    await expect(findEngine(env)).rejects.toThrow(howToGetOne);
    await fake("docker", "exit 1");
    await expect(findEngine(env)).rejects.toThrow(howToGetOne);
  });
});

// If the tests run on Docker, the other tests have tried it for real.
(real === "" ? describe.skip : describe)("a server in a container", () => {
  it("can do everything that a process can", async () => {
    await fake("docker", dockerOfProcesses);
    await makeImage("redis-server");
    const server = await startRedis({ engine: await findEngine(env), args: ["--appendonly", "yes"] });
    try {
      await server.command("SET", "a", "1");
      await server.freeze();
      const late = server.command("GET", "a");
      await server.thaw();
      expect(await late).toBe("1");
      await server.restart();
      expect(await server.command("GET", "a")).toBe("1");
      await server.freeze();
      await server.kill();
      await server.start();
      await server.freeze();
      await server.stop();
    } finally {
      await server[Symbol.asyncDispose]();
    }
    const verbs = (await calls()).map((call) => call.split(" ")[1]);
    expect(verbs.slice(3)).toEqual("run pause unpause stop run pause kill run pause unpause stop".split(" "));
    const started = (await calls()).find((call) => call.startsWith("docker run"));
    expect(started).toMatch(/^docker run --rm --name deep-agent-test-\w+ --user \d+:\d+ /);
    const file = join(server.directory, "redis.conf");
    expect(started).toContain(`--entrypoint sh --volume ${tmpdir()}:${tmpdir()} redis:7 -c `);
    expect(started).toContain(` sh ${file} --bind `);
  });

  it("is the server of the image, whichever name it has there", async () => {
    await fake("docker", dockerOfProcesses);
    await makeImage("valkey-server");
    env["REDIS_IMAGE"] = "valkey/valkey:8";
    const server = await startRedis({ engine: await findEngine(env) });
    try {
      expect(await server.command("PING")).toBe("PONG");
      await server.stop();
    } finally {
      await server[Symbol.asyncDispose]();
    }
  });

  it("says that the image has no server", async () => {
    await fake("docker", dockerOfProcesses);
    await makeImage();
    await expect(startRedis({ engine: await findEngine(env) })).rejects.toThrow(/valkey-server.*not found/);
  });

  it("passes on Docker's message if it does not start", async () => {
    await fake("docker", 'case "$1" in run) echo "no space left" >&2; exit 125 ;; kill) exit 1 ;; esac');
    await expect(startRedis({ engine: await findEngine(env) })).rejects.toThrow(/no space left/);
  });
});

describe("an installation on Debian", () => {
  const installed = (isRoot = true): boolean => installOnDebian({ env, policy: join(folder, "policy"), isRoot });

  it("happens only if there is no server, and only for root with apt-get", async () => {
    expect(installed()).toBe(false); // no apt-get
    await fake("apt-get");
    expect(installed(false)).toBe(false);
    for (const variable of ["REDIS_SERVER", "REDIS_IMAGE"]) {
      env[variable] = "/none";
      expect(installed()).toBe(false);
      delete env[variable];
    }
    await fake("redis-server");
    expect(installed()).toBe(false);
    expect(await calls()).toEqual(["redis-server --version"]);
  });

  it("starts no service, and leaves no files of its own", async () => {
    await fake("apt-get", `case "$*" in *install*) ${folder}/policy; echo "policy says $?" >> ${folder}/calls ;; esac`);
    await fake("systemctl");
    expect(installed()).toBe(true);
    expect(await calls()).toEqual([
      "apt-get --version",
      "apt-get -o DPkg::Lock::Timeout=300 update",
      "apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends redis-server",
      "policy says 101",
      "systemctl disable --now redis-server",
    ]);
    expect(existsSync(join(folder, "policy"))).toBe(false);
  });

  it("leaves the machine's own policy alone, and reports false if apt-get fails", async () => {
    await writeFile(join(folder, "policy"), "own");
    await fake("apt-get", 'case "$*" in *install*) exit 100 ;; esac');
    expect(installed()).toBe(false);
    expect(await readFile(join(folder, "policy"), "utf8")).toBe("own");
  });
});
