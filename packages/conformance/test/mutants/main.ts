import { report } from "../../src/index.ts";
import { mutants } from "./catalogue/index.ts";
import { goodBackends } from "./good-backends.ts";
import { survivors } from "./survivors.ts";
import { brokenTests, type Verdict, verdictOn } from "./verdict.ts";

/*
 * `pnpm mutants` runs the kit on backends that break one promise each, and on backends that keep all promises. It ends
 * with status 1 if the kit does not catch a broken backend, or reports a good one.
 */

const NAME_WIDTH = Math.max(
  ...[...mutants.map(({ name }) => name), ...goodBackends.map(({ name }) => name)].map(width),
);
const marked = new Set(Object.values(survivors));

const survived = await printMutants();
const failed = await printGoodBackends();
console.log(`
* LangGraph's kit does not catch it.

${mutants.length} mutants, ${survived === 0 ? "all caught by the promise that they break" : `${survived} NOT CAUGHT`}. \
${goodBackends.length} good backends, ${failed === 0 ? "all conform" : `${failed} DO NOT CONFORM`}.`);
process.exitCode = survived + failed === 0 ? 0 : 1;

async function printMutants(): Promise<number> {
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

/** The name of the test rather than its problem, which may differ from run to run: it has times and revisions. */
function verdictText({ isCaught, test = "" }: Verdict): string {
  return isCaught ? brief(test) : "NOT CAUGHT";
}

async function printGoodBackends(): Promise<number> {
  let wrong = 0;
  console.log("\nthe whole kit, on good backends");
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

function brief(first: string): string {
  return first.length > 100 ? `${first.slice(0, 99)}…` : first;
}

function width(text: string): number {
  return text.length;
}
