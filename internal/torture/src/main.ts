import { agentSchedules } from "./agent/agent-schedules.ts";
import { damage } from "./damage/damage.ts";
import { killLoops } from "./kill/kill-loops.ts";
import { tableOf } from "./table.ts";
import { isClean, type Tally } from "./tally.ts";
import { tortureOptionsOf } from "./torture-options.ts";
import type { Part } from "./torture-part.ts";

/*
 * `pnpm torture [--quick | --scale X] [--seed N] [--part NAME] [--only N]`: injects faults for real, and prints what
 * became of what was stored. Ends with status 1 if anything was lost, doubled, torn or silently wrong, and with 2 if it
 * could not be carried through.
 */

const parts: Readonly<Record<string, Part>> = { kill: killLoops, damage, agent: agentSchedules };

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 2;
}

/** Resolves to the status to end with. */
async function main(): Promise<number> {
  const { seed, scale, part: onlyPart, only } = tortureOptionsOf(process.argv.slice(2));
  const names = onlyPart === undefined ? Object.keys(parts) : [onlyPart];

  say(`Seed ${seed}`);
  const tallies: Tally[] = [];
  const failed: string[] = [];
  for (const name of names) {
    const part = parts[name];
    if (part === undefined) throw new Error(`There is no part ${name}: there are ${Object.keys(parts).join(", ")}.`);
    const repeat = `npx -y pnpm@10.34.9 torture --seed ${seed} --part ${name} --scale ${scale}`;
    const started = performance.now();
    try {
      const counted = await part({ seed, scale, note: (line) => say(`  ${line}`), only });
      tallies.push(...counted);
      if (!counted.every(isClean)) failed.push(repeat);
    } catch (error) {
      process.stderr.write(`Could not be carried through: ${repeat}\n`);
      throw error;
    }
    say(`Part ${name} took ${Math.round((performance.now() - started) / 1000)} s`);
  }
  say(`\n${tableOf(tallies)}\n`);
  if (failed.length === 0) say("Nothing was lost, duplicated, torn or silently wrong.");
  for (const command of failed) say(`A promise was broken. Again: ${command}`);
  return failed.length === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
