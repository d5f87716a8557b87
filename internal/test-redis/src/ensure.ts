import { installOnDebian } from "./debian.ts";
import { findEngine } from "./find-engine.ts";

/*
 * Run before the tests: sees that there is a redis-server for them. If there is none, root on Debian or Ubuntu installs
 * it; elsewhere Docker serves, and if that is not there either, this ends with what to do. With REDIS_IMAGE, it is
 * Docker with that image or nothing. Tests that need Redis are never skipped.
 */

try {
  const installed = installOnDebian({ env: process.env });
  const { name } = await findEngine();
  if (installed || name.startsWith("docker")) process.stderr.write(`Redis for the tests: ${name}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`); // what findEngine rejects with, and what is thrown in here
  process.exitCode = 1;
}
