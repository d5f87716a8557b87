import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { nameOfProgram } from "./find-engine.ts";

/** With this script there, and this answer, Debian's packages start no service when they are installed. */
const POLICY = "/usr/sbin/policy-rc.d";
const START_NOTHING = "#!/bin/sh\nexit 101\n";

export interface Installation {
  env: NodeJS.ProcessEnv;
  /** Where Debian looks for its policy about services. */
  policy?: string;
  /** Whether this user may install. Default: whether it is root. */
  isRoot?: boolean;
}

/**
 * Installs redis-server if there is none, if neither `REDIS_SERVER` nor `REDIS_IMAGE` says what to use, and if this is
 * root on Debian or the like. Runs no service of it, now or after the next start of the machine. `true` if it did. A
 * failure is printed by apt-get.
 */
export function installOnDebian({ env, policy = POLICY, isRoot = process.getuid?.() === 0 }: Installation): boolean {
  const succeeds = (program: string, ...args: string[]): boolean =>
    spawnSync(program, args, { env, stdio: "ignore" }).status === 0;
  /** Waits for a lock that another installation holds. What it prints belongs on stderr here. */
  const aptGet = (...args: string[]): boolean =>
    spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], {
      env: { ...env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", 2, 2],
    }).status === 0;

  if (env["REDIS_SERVER"] || env["REDIS_IMAGE"]) return false;
  if (succeeds(nameOfProgram(env), "--version")) return false;
  if (!isRoot || !succeeds("apt-get", "--version")) return false;
  process.stderr.write("No redis-server here: installing one, for the tests (apt-get install redis-server).\n");
  // Ctrl-C ends apt-get, not this before it has taken its policy away.
  const stay = (): void => undefined;
  process.on("SIGINT", stay);
  const isOwnPolicy = !existsSync(policy);
  if (isOwnPolicy) writeFileSync(policy, START_NOTHING, { mode: 0o755 });
  try {
    aptGet("update"); // may fail for a source that has nothing to do with this
    if (!aptGet("install", "-y", "--no-install-recommends", "redis-server")) return false;
    // Where the machine's own policy let it start, and where there is systemd, which starts it with the machine.
    succeeds("systemctl", "disable", "--now", "redis-server");
    return true;
  } finally {
    if (isOwnPolicy) rmSync(policy);
    process.off("SIGINT", stay);
  }
}
