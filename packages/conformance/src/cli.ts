import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { report } from "./report.ts";
import { promiseText, summaryText } from "./report-text.ts";
import { type ConformanceTarget, checkTarget } from "./target.ts";

const USAGE = `Usage: deep-agent-conformance MODULE [--json]

Tests whether a backend keeps the contract of @deep-agent/core. MODULE is a file whose default export is a conformance target:

  export default { name: "my store", open: () => new MyBackend() };

--json   prints the report as JSON, and nothing else, on stdout
Exit status: 0 every promise that was tested is kept, 1 one is broken, 2 there was nothing to test.`;

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let module: string | undefined;
  let json = false;
  try {
    const options = { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (values.help) {
      print(USAGE);
      return 0;
    }
    if (positionals.length !== 1) throw new TypeError("Name one module.");
    [module] = positionals;
    json = values.json ?? false;
  } catch (error) {
    complain(`${(error as Error).message}\n\n${USAGE}`); // parseArgs throws errors
    return 2;
  }
  try {
    return await test(await targetIn(String(module)), json);
  } catch (error) {
    complain(
      `${module} could not be tested. ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    return 2;
  }
}

async function test(target: ConformanceTarget, json: boolean): Promise<number> {
  if (!json) print(`${target.name}\n`);
  const result = await report(target, json ? {} : { onPromise: (promise) => print(promiseText(promise)) });
  print(json ? JSON.stringify(result, undefined, 2) : summaryText(result));
  return result.conforms ? 0 : 1;
}

/** The default export, or the module itself where its members are the target's. */
async function targetIn(path: string): Promise<ConformanceTarget> {
  const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown };
  const target: unknown = module.default ?? { ...module };
  checkTarget(target);
  return target;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}
