import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";

/** A Node on PATH that the packages do not support, if there is one. The first on PATH is the workspace's. */
export function olderNode(): string | undefined {
  const all = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "node"));
  return all.find((node) => {
    const { stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
    const [, major, minor] = /^v(\d+)\.(\d+)\./.exec(stdout ?? "") ?? [];
    return major !== undefined && Number(major) * 1000 + Number(minor) < 22_012;
  });
}
