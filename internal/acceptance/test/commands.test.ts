import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { workspace } from "./support/copied-sources.ts";

interface RootManifest {
  packageManager: string;
  scripts: Record<string, string>;
}

const { packageManager, scripts } = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8")) as RootManifest;

const pages = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
  cwd: workspace,
  encoding: "utf8",
})
  .split("\n")
  .filter((page) => page !== "")
  .map((page) => ({ page, text: readFileSync(join(workspace, page), "utf8").replaceAll(/<!--[\s\S]*?-->/g, "") }));

describe("a command that is printed for a reader", () => {
  const needPnpm = pages.filter(({ text }) => /(^|`)(\$ )?pnpm /m.test(text));

  it.each(needPnpm)("needs npm alone, or $page says what pnpm stands for", ({ text }) => {
    expect(text).toMatch(new RegExp(`\`pnpm\`\\s+stands\\s+for\\s+\`npx -y ${packageManager}\``));
  });

  it("names the pnpm of this repository", () => {
    const named = pages.flatMap(({ text }) => text.match(/pnpm@[\d.]+\d/g) ?? []);
    expect(new Set(named)).toEqual(new Set([packageManager]));
  });

  it("names a script that there is", () => {
    const named = pages.flatMap(({ text }) =>
      [...text.matchAll(/npx -y pnpm@[\d.]+\d ([a-z][\w:-]*)/g)].map(([, name = ""]) => name),
    );
    expect(named).not.toEqual([]);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

describe("a script of the repository", () => {
  // What `pnpm NAME` would do instead of the script, or would hand to npm. After "npm help" and "pnpm help -a".
  const commands = new Set(
    `access add adduser audit author bin bugs c cache ci clean-install completion config create ddp dedupe deploy
    deprecate diff dist-tag dist-tags dlx docs doctor edit env exec explain explore fetch find find-dupes fund get help
    help-search home hook i ignored-builds import info init install install-test issues it link list licenses ln
    login logout ls m multi node org outdated owner pack patch patch-commit patch-remove ping pkg prefix profile prune
    publish query r rb rebuild recursive remove repl repo restart rm root run run-script s sbom se search server
    set setup shrinkwrap show self-update star stars start stop store t team token unlink uninstall unpublish
    unstar up update upgrade v version versions view whoami why x xmas`.split(/\s+/),
  );

  it.each(Object.keys(scripts))("%s is run by its name, and is no command of pnpm or npm", (name) => {
    expect(commands.has(name)).toBe(false);
  });
});

describe("while no package is published", () => {
  const packages = readdirSync(join(workspace, "packages")).map((folder) => join(workspace, "packages", folder));

  it.each(packages)("the README of %s says so, and not afterwards", (folder) => {
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
    const saysSo = readFileSync(join(folder, "README.md"), "utf8").includes("Not published yet");
    expect(saysSo).toBe(version === "0.0.0");
  });
});
