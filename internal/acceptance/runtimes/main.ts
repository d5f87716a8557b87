// Runs the packed packages on other runtimes than Node, and prints a line for each of them: pnpm runtimes
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { run } from "../test/support/packing.ts";

/** What was tried, and is named in docs/runtimes.md. */
const versions = { bun: "1.4.5", deno: "2.9.6", workerd: "1.20261117.1" };

const told = "My favorite color is blue";
const asked = "What is my favorite color?";
const answer = "Your favorite color is blue.";

const root = resolve(import.meta.dirname, "../../..");
const home = mkdtempSync(join(tmpdir(), "deep-agent-runtimes-"));
let model: ChildProcess | undefined;
try {
  installAll();
  const environment = await startModel();
  for (const [runtime, command] of Object.entries({
    Node: [process.execPath],
    Bun: [program("bun")],
    Deno: [program("deno"), "run", "--allow-all", "--quiet"],
  })) {
    report(runtime, "core, in-memory", () => lastLine(command, environment, "memory:", told, asked));
    report(runtime, "core, file, in two processes", () => {
      const store = `file:./memories-${runtime}`;
      lastLine(command, environment, store, told);
      return lastLine(command, environment, store, asked);
    });
  }
  report("workerd", "core, in-memory", () => onWorkerd(environment));
} finally {
  model?.kill();
  rmSync(home, { recursive: true });
}

function installAll(): void {
  run(process.execPath, [join(root, "scripts/pack-all.ts"), "--built", home], root);
  const tarballs = ["core", "file", "in-memory"].map((name) => `./deep-agent-${name}.tgz`);
  const runtimes = Object.entries(versions).map(([name, version]) => `${name}@${version}`);
  writeFileSync(join(home, "package.json"), JSON.stringify({ private: true, type: "module" }));
  run("npm", ["install", "--no-audit", "--no-fund", ...tarballs, "openai@7", ...runtimes], home, 600_000);
  for (const file of ["program.ts", "workerd.ts"]) copyFileSync(join(import.meta.dirname, file), join(home, file));
}

/** The offline model, on Node: the variables that lead to it. */
async function startModel(): Promise<{ OPENAI_BASE_URL: string; OPENAI_API_KEY: string }> {
  model = spawn(process.execPath, [join(root, "examples/offline-model/src/main.ts")], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  if (model.stdout === null) throw new Error("The offline model has no output.");
  const [line = ""] = (await once(createInterface(model.stdout), "line")) as string[];
  return { OPENAI_BASE_URL: line.replace(/^export OPENAI_BASE_URL=/, ""), OPENAI_API_KEY: "none-needed" };
}

function program(name: string): string {
  return join(home, "node_modules/.bin", name);
}

function lastLine([command = "", ...options]: string[], environment: object, ...args: string[]): string {
  const env = { ...process.env, ...environment };
  return (
    run(command, [...options, "program.ts", ...args], home, 60_000, env)
      .trim()
      .split("\n")
      .at(-1) ?? ""
  );
}

function onWorkerd(environment: { OPENAI_BASE_URL: string; OPENAI_API_KEY: string }): string {
  const bundle = ["workerd.ts", "--bundle", "--format=esm", "--external:node:*", "--outfile=bundle.mjs"];
  run("esbuild", [...bundle, "--log-level=error"], home);
  writeFileSync(join(home, "workerd.capnp"), workerdConfig(environment));
  return run(program("workerd"), ["test", "workerd.capnp"], home, 60_000).trim();
}

function workerdConfig(environment: { OPENAI_BASE_URL: string; OPENAI_API_KEY: string }): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["public", "private", "local"])),
    (name = "main", worker = (
      modules = [ (name = "main", esModule = embed "bundle.mjs") ],
      compatibilityDate = "2026-04-01",
      compatibilityFlags = ["nodejs_compat"],
      bindings = [
        (name = "OPENAI_BASE_URL", text = "${environment.OPENAI_BASE_URL}"),
        (name = "OPENAI_API_KEY", text = "${environment.OPENAI_API_KEY}"),
      ],
    )),
  ],
);
`;
}

/** A line for what was tried. If the answer is wrong, the whole run fails at its end. */
function report(runtime: string, what: string, recall: () => string): void {
  let said: string;
  try {
    said = recall();
  } catch (error) {
    said = (error as Error).message; // as `run` throws it
  }
  const version = runtime === "Node" ? process.versions.node : versions[runtime.toLowerCase() as keyof typeof versions];
  const right = said === answer;
  if (!right) process.exitCode = 1;
  process.stdout.write(`${right ? "works" : "FAILS"}  ${runtime} ${version}: ${what}${right ? "" : `\n${said}`}\n`);
}
