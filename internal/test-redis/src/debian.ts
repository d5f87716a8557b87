import { spawnSync } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { nameOfProgram } from "./find-engine.ts";

/** If this script is there and gives this answer, Debian's packages start no service when they are installed. */
const POLICY = "/usr/sbin/policy-rc.d";
const START_NOTHING = "#!/bin/sh\nexit 101\n";

export interface Installation {
  env: NodeJS.ProcessEnv;
  /** Where Debian looks for its policy about services. */
  policy?: string;
  /** Whether this user may install packages. Default: whether the user is root. */
  isRoot?: boolean;
}

/**
 * Installs redis-server if it is missing, neither `REDIS_SERVER` nor `REDIS_IMAGE` is set, and the user is root on a
 * system with apt-get. No service of redis-server runs afterwards, not even after the next start of the machine.
 * Returns `true` if it installed redis-server. apt-get prints the reason of a failure.
 */
export function installOnDebian({ env, policy = POLICY, isRoot = process.getuid?.() === 0 }: Installation): boolean {
  const succeeds = (program: string, ...args: string[]): boolean =>
    spawnSync(program, args, { env, stdio: "ignore" }).status === 0;
  /** Waits for a lock that another installation holds. apt-get's output goes to stderr. */
  const aptGet = (...args: string[]): boolean =>
    spawnSync("apt-get", ["-o", "DPkg::Lock::Timeout=300", ...args], {
      env: { ...env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", 2, 2],
    }).status === 0;

  if (env["REDIS_SERVER"] || env["REDIS_IMAGE"]) return false;
  if (succeeds(nameOfProgram(env), "--version")) return false;
  if (!isRoot || !succeeds("apt-get", "--version")) return false;
  process.stderr.write("redis-server is missing: installing it for the tests (apt-get install redis-server).\n");
  // Ctrl-C ends apt-get. This process must live on to remove its policy.
  const stay = (): void => undefined;
  process.on("SIGINT", stay);
  const isOwnPolicy = !existsSync(policy);
  if (isOwnPolicy) writeFileSync(policy, START_NOTHING, { mode: 0o755 });
  try {
    aptGet("update"); // may fail because of a package source that redis-server does not need
    if (!aptGet("install", "-y", "--no-install-recommends", "redis-server")) return false;
    // The machine's own policy may have let the service start, and systemd would start it with the machine.
    succeeds("systemctl", "disable", "--now", "redis-server");
    return true;
  } finally {
    if (isOwnPolicy) rmSync(policy);
    process.off("SIGINT", stay);
  }
}
