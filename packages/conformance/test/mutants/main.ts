import { report } from "../../src/index.ts";
import { mutants } from "./catalogue/index.ts";
import { goodBackends } from "./good-backends.ts";
import { survivors } from "./survivors.ts";
import { brokenTests, type Verdict, verdictOn } from "./verdict.ts";

/*
 * `pnpm mutants`: the kit on backends that break a promise each, and on backends that keep all of them. Ends with status 1 where
 * it takes the one for the other.
 */

const NAME_WIDTH = Math.max(
  ...[...mutants.map(({ name }) => name), ...goodBackends.map(({ name }) => name)].map(width),
);
const marked = new Set(Object.values(survivors));

const survived = await tellMutants();
const failed = await tellGoodBackends();
console.log(`
* LangGraph's kit lets such a one pass.

${mutants.length} mutants, ${survived === 0 ? "each caught by the promise that it breaks" : `${survived} NOT CAUGHT`}. \
${goodBackends.length} good backends, ${failed === 0 ? "all of which conform" : `${failed} of which DO NOT CONFORM`}.`);
process.exitCode = survived + failed === 0 ? 0 : 1;

async function tellMutants(): Promise<number> {
  let missed = 0;
  let promise: string | undefined;
  for (const mutant of mutants) {
    if (mutant.promise !== promise) console.log(`\n${mutant.promise}`);
    promise = mutant.promise;
    const verdict = await verdictOn(mutant);
    if (!verdict.isCaught) missed += 1;
    console.log(line(`${mutant.name}${marked.has(mutant.name) ? " *" : ""}`, verdictText(verdict)));
  }
  return missed;
}

function verdictText({ isCaught, failed: found, tests, problem = "" }: Verdict): string {
  return isCaught
    ? `caught by ${String(found).padStart(2)} of ${String(tests).padEnd(2)}  ${brief(problem)}`
    : "NOT CAUGHT";
}

async function tellGoodBackends(): Promise<number> {
  let wrong = 0;
  console.log("\nall of it, of good backends");
  for (const target of goodBackends) {
    const { conforms, promises } = await report(target);
    const count = (outcome: string): number => promises.filter((one) => one.outcome === outcome).length;
    const counts = `${count("kept")} kept, ${count("absent")} absent, ${count("untested")} untested`;
    if (!conforms) wrong += 1;
    console.log(line(target.name, `${conforms ? "conforms" : "DOES NOT CONFORM"}: ${counts}`));
    for (const { name, problem = "", reproduction = [] } of promises.flatMap(brokenTests)) {
      console.log([name, problem, ...reproduction].map((text) => `    ${text}`).join("\n"));
    }
  }
  return wrong;
}

function line(name: string, text: string): string {
  return `  ${name.padEnd(NAME_WIDTH + 2)}  ${text}`;
}

function brief(problem: string): string {
  const [first = ""] = problem.split("\n");
  return first.length > 70 ? `${first.slice(0, 69)}…` : first;
}

function width(text: string): number {
  return text.length;
}
