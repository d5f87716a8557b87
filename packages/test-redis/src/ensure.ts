import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { findEngine, howToGetOne } from "./engine.ts";

/*
 * Run before the tests: sees that there is a redis-server for them. Where there is none, it is installed on Debian and Ubuntu by root;
 * elsewhere Docker serves, and where that is not there either, this ends with what to do. Tests that need Redis are never skipped.
 */

/** With this script there, and this answer, Debian's packages start no service when they are installed. */
const POLICY = "/usr/sbin/policy-rc.d";
const START_NOTHING = "#!/bin/sh\nexit 101\n";

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function succeeds(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

function isInstallable(): boolean {
  return process.getuid?.() === 0 && succeeds("apt-get", "--version");
}

/** A lock that another installation holds is waited for. */
function aptGet(...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return (
    spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=300", "-y", ...args], { stdio: ["ignore", 2, 2], env }).status ===
    0
  );
}

function install(): boolean {
  say("No redis-server here: installing one, for the tests (apt-get install redis-server).");
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) writeFileSync(POLICY, START_NOTHING, { mode: 0o755 });
  try {
    // Package lists may be missing altogether, or be old.
    return aptGet("update") && aptGet("install", "--no-install-recommends", "redis-server");
  } finally {
    if (ownPolicy) rmSync(POLICY);
  }
}

const hasProgram = succeeds(process.env["REDIS_SERVER"] || "redis-server", "--version");
if (!hasProgram && isInstallable() && !install()) say("That failed.");
try {
  const { name } = await findEngine();
  if (!hasProgram) say(`Redis for the tests: ${name}`);
} catch {
  say(howToGetOne);
  process.exitCode = 1;
}
