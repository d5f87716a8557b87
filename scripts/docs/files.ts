import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What is never part of the documentation, wherever a tree came from. */
const LEFT_OUT = /(?:^|\/)(?:node_modules|dist|\.git|\.turbo|\.docs)\/|^docs\/reference\//;

/**
 * The files of a tree, as sorted paths from its root: those that git knows or would add, and if git knows nothing of
 * the tree, all of them.
 */
export function filesOf(root: string): string[] {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"];
  const { status, stdout } = spawnSync("git", args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 });
  const known = status === 0 ? stdout.split("\0").filter((file) => file !== "") : [];
  const files = known.length > 0 ? known : filesBelow(root);
  return files.filter((file) => !LEFT_OUT.test(file) && existsSync(join(root, file))).sort();
}

export function filesBelow(root: string, folder = ""): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return LEFT_OUT.test(`${path}/`) ? [] : filesBelow(root, `${path}/`);
  });
}
