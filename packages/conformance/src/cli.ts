import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect, parseArgs } from "node:util";
import { report } from "./report.ts";
import { promiseText, summaryText } from "./report-text.ts";
import { type ConformanceTarget, checkTarget } from "./target.ts";
import { UsageError } from "./usage-error.ts";

const USAGE = `Usage: deep-agent-conformance MODULE [--json] [--timeout SECONDS]

Tests whether a backend keeps the contract of @deep-agent/core. MODULE is a file whose default export is a conformance target:

  export default { name: "my store", open: () => new MyBackend() };

--json             prints the report as JSON, and nothing else, on stdout
--timeout SECONDS  how long a test may take before it counts as hanging (default: 120)
Exit status: 0 if every tested promise is kept, 1 if a promise is broken, 2 if nothing could be tested.`;

// An adapter that hangs, or keeps a handle open, must not keep this process alive.
process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  let given: Arguments;
  try {
    given = parse(args);
  } catch (error) {
    await complain(`${(error as Error).message}\n\n${USAGE}`); // only errors are thrown here
    return 2;
  }
  if (given === "help") {
    await print(USAGE);
    return 0;
  }
  try {
    return await test(given);
  } catch (error) {
    await complain(`${given.module} could not be tested. ${problemText(error)}`);
    return 2;
  }
}

type Arguments = "help" | { module: string; json: boolean; timeoutMs: number | undefined };

/** Throws an error for invalid arguments. */
function parse(args: readonly string[]): Arguments {
  const options = {
    json: { type: "boolean" },
    timeout: { type: "string" },
    help: { type: "boolean", short: "h" },
  } as const;
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  if (values.help) return "help";
  const [module, ...more] = positionals;
  if (module === undefined || more.length > 0) throw new TypeError("Pass exactly one module.");
  const seconds = values.timeout === undefined ? undefined : Number(values.timeout);
  if (seconds !== undefined && !(seconds > 0)) throw new TypeError("--timeout must be a positive number of seconds.");
  return { module, json: values.json ?? false, timeoutMs: seconds && seconds * 1_000 };
}

async function test({ module: path, json, timeoutMs }: Exclude<Arguments, "help">): Promise<number> {
  const module = pathToFileURL(resolve(path));
  const target = await targetIn(module);
  if (!json) await print(`${target.name}\n`);
  const result = await report(target, {
    module,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(!json && { onPromise: (promise) => void print(promiseText(promise)) }),
  });
  await print(json ? JSON.stringify(result, undefined, 2) : summaryText(result));
  return result.conforms ? 0 : 1;
}

/** The default export, or the module itself if it has none. */
async function targetIn(url: URL): Promise<ConformanceTarget> {
  const module = (await import(url.href)) as { default?: unknown };
  const target: unknown = module.default ?? { ...module };
  checkTarget(target, url);
  return target;
}

/** The stack helps with an error that is not the kit's own. */
function problemText(error: unknown): string {
  if (error instanceof UsageError) return error.message;
  return error instanceof Error ? inspect(error) : String(error);
}

function print(text: string): Promise<void> {
  return written(process.stdout, text);
}

function complain(text: string): Promise<void> {
  return written(process.stderr, text);
}

/** Resolves when the text is written: ending the process would cut it off. */
function written(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(`${text}\n`, () => resolve());
  });
}
