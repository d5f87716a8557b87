import { agentSchedules } from "./agent/agent-schedules.ts";
import { damage } from "./damage/damage.ts";
import { killLoops } from "./kill/kill-loops.ts";
import { tableOf } from "./table.ts";
import { isClean, type Tally } from "./tally.ts";
import { tortureOptionsOf } from "./torture-options.ts";
import type { Part } from "./torture-part.ts";

/*
 * `pnpm torture [--quick | --scale X] [--seed N] [--part NAME] [--only N]`: injects real faults, and prints what
 * happened to the stored data. Ends with status 1 if anything was lost, duplicated, torn or silently wrong, and with 2
 * if the run could not be completed.
 */

const parts: Readonly<Record<string, Part>> = { kill: killLoops, damage, agent: agentSchedules };

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 2;
}

/** Resolves to the exit status. */
async function main(): Promise<number> {
  const { seed, scale, part: onlyPart, only } = tortureOptionsOf(process.argv.slice(2));
  const names = onlyPart === undefined ? Object.keys(parts) : [onlyPart];

  say(`Seed ${seed}`);
  const tallies: Tally[] = [];
  const failed: string[] = [];
  for (const name of names) {
    const part = parts[name];
    if (part === undefined) throw new Error(`Unknown part ${name}. The parts are: ${Object.keys(parts).join(", ")}.`);
    const repeat = `npx -y pnpm@10.34.9 torture --seed ${seed} --part ${name} --scale ${scale}`;
    const started = performance.now();
    try {
      const counted = await part({ seed, scale, note: (line) => say(`  ${line}`), only });
      tallies.push(...counted);
      if (!counted.every(isClean)) failed.push(repeat);
    } catch (error) {
      process.stderr.write(`The run could not be completed: ${repeat}\n`);
      throw error;
    }
    say(`Part ${name} took ${Math.round((performance.now() - started) / 1000)} s`);
  }
  say(`\n${tableOf(tallies)}\n`);
  if (failed.length === 0) say("Nothing was lost, duplicated, torn or silently wrong.");
  for (const command of failed) say(`A promise was broken. To repeat: ${command}`);
  return failed.length === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
