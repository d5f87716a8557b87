import { execFile } from "node:child_process";
import { statfs } from "node:fs/promises";
import { arch, availableParallelism, cpus, release, totalmem, type } from "node:os";
import { promisify } from "node:util";
import { startRedis } from "@deep-agent/test-redis";

const run = promisify(execFile);

/** The machine that a run measured on. */
export interface Machine {
  cpu: string;
  cores: number;
  /** Bytes. */
  memory: number;
  system: string;
  /** The file system of the disk that the files were on. */
  fileSystem: string;
  node: string;
  redis: string;
  /** The commit that was measured; `null` if the tree had changes, or is not a clone. */
  commit: string | null;
}

/** By the magic number that `statfs` returns; see statfs(2). */
const fileSystems: Readonly<Record<number, string>> = {
  61267: "ext4",
  2435016766: "btrfs",
  1481003842: "xfs",
  2035054128: "overlayfs",
  16914836: "tmpfs",
};

export async function describeMachine(): Promise<Machine> {
  await using redis = await startRedis();
  const info = String(await redis.command("INFO", "server"));
  const { type: magic } = await statfs(import.meta.dirname);
  return {
    cpu: cpus()[0]?.model.trim() || "unknown",
    cores: availableParallelism(),
    memory: totalmem(),
    system: `${type()} ${release()}, ${arch()}`,
    fileSystem: fileSystems[magic] ?? `unknown (0x${magic.toString(16)})`,
    node: process.versions.node,
    redis: /redis_version:(\S+)/.exec(info)?.[1] ?? "unknown",
    commit: await commit(),
  };
}

async function commit(): Promise<string | null> {
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await run("git", args, { cwd: new URL("../../", import.meta.url) });
    return stdout.trim();
  };
  try {
    const changes = await git("status", "--porcelain", "--", "packages", "bench");
    return changes === "" ? await git("rev-parse", "--short=12", "HEAD") : null;
  } catch {
    return null; // not a clone, or no git
  }
}
