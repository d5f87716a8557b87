import { installOnDebian } from "./debian.ts";
import { findEngine } from "./find-engine.ts";

/*
 * Runs before the tests, and makes sure that they have a redis-server. If it is missing, it is installed for root on
 * Debian or Ubuntu. Other systems use Docker. If Docker is missing too, this program fails and prints what to do. If
 * REDIS_IMAGE is set, only Docker with that image is used. Tests that need Redis are never skipped.
 */

try {
  const installed = installOnDebian({ env: process.env });
  const { name } = await findEngine();
  if (installed || name.startsWith("docker")) process.stderr.write(`Redis for the tests: ${name}\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`); // `findEngine` and `installOnDebian` throw only errors
  process.exitCode = 1;
}
