import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { median } from "d3-array";
import { build, type Metafile } from "esbuild";
import type { Plan } from "../plan.ts";
import { type Spread, spreadOf } from "../spread.ts";
import { Stage } from "../stage.ts";
import type { Heap, HeapJob } from "./heap.worker.ts";

const run = promisify(execFile);

/** What a package costs before anything is done with it. */
interface ImportCost {
  package: string;
  /** What takes it from a program that does nothing to one that has imported it: ms. */
  ms: Spread;
  /** Bytes of what an `import` loads, bundled, minified and gzipped, without what {@link beside} names. `null`: it cannot be bundled. */
  loaded: number | null;
  /** With what is loaded later, when it is needed. */
  all: number | null;
}

export interface Footprint {
  imports: ImportCost[];
  heap: Heap;
}

/** What is measured, and what its size is measured without: its clients, and what an application has anyway. */
const packages: Readonly<Record<string, readonly string[]>> = {
  "@deep-agent/core": ["openai"],
  "@deep-agent/in-memory": ["@deep-agent/core"],
  "@deep-agent/file": ["@deep-agent/core"],
  "@deep-agent/redis": ["@deep-agent/core", "@redis/client"],
  "@deep-agent/middleware": ["@deep-agent/core"],
  "@langchain/redis": ["redis"],
  "@mastra/redis": ["redis"],
  "@langchain/langgraph-checkpoint-redis": ["redis"],
  "@openai/agents-core": ["openai"],
};

export async function measureFootprint({ footprint }: Plan): Promise<Footprint> {
  const names = Object.keys(packages);
  const times = await importTimes(names, footprint.imports);
  const imports: ImportCost[] = [];
  for (const [place, name] of names.entries()) {
    const rounds = times[place] ?? [];
    imports.push({ package: name, ms: spreadOf(rounds), ...(await sizeOf(name, packages[name] ?? [])) });
  }
  return { imports, heap: await measureHeap(footprint) };
}

/** Each round starts a process for each, and one that imports nothing: what counts is how much longer it takes. */
async function importTimes(names: readonly string[], rounds: number): Promise<number[][]> {
  const times = names.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    // More than one, since everything is compared with it.
    const bare = median([await timeOf(""), await timeOf(""), await timeOf("")]) ?? 0;
    for (const [place, name] of names.entries()) {
      times[place]?.push((await timeOf(`await import(${JSON.stringify(name)}); process.exit()`)) - bare);
    }
  }
  return times;
}

async function timeOf(program: string): Promise<number> {
  const started = performance.now();
  await run(process.execPath, ["--input-type=module", "--eval", program], { cwd: import.meta.dirname });
  return performance.now() - started;
}

async function sizeOf(
  name: string,
  external: readonly string[],
): Promise<{ loaded: number | null; all: number | null }> {
  try {
    const { outputFiles, metafile } = await build({
      stdin: { contents: `export * from ${JSON.stringify(name)}`, resolveDir: import.meta.dirname },
      bundle: true,
      minify: true,
      splitting: true,
      format: "esm",
      platform: "node",
      external: [...external],
      outdir: "out",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    const atOnce = loadedAtOnce(metafile);
    const names = Object.keys(metafile.outputs);
    const sizeOf = (isIn: (name: string) => boolean): number => {
      const contents = outputFiles.flatMap(({ contents }, place) => (isIn(names[place] ?? "") ? [contents] : []));
      return gzipSync(Buffer.concat(contents), { level: 9 }).length;
    };
    return { loaded: sizeOf((name) => atOnce.has(name)), all: sizeOf(() => true) };
  } catch {
    return { loaded: null, all: null };
  }
}

/** The entry, and what it imports, but by `import()`. */
function loadedAtOnce({ outputs }: Metafile): Set<string> {
  const entry = Object.keys(outputs).find(
    (output) => outputs[output]?.entryPoint !== undefined && /stdin/.test(output),
  );
  const found = new Set<string>(entry === undefined ? [] : [entry]);
  for (const output of found) {
    for (const { path, kind, external } of outputs[output]?.imports ?? []) {
      if (kind === "import-statement" && !external) found.add(path);
    }
  }
  return found;
}

async function measureHeap({ conversations, turns }: Plan["footprint"]): Promise<Heap> {
  await using stage = await Stage.set();
  const worker = fork(new URL("heap.worker.ts", import.meta.url), {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const job: HeapJob = { url: stage.redis.url, conversations, turns };
  worker.send(job);
  const [answer] = (await Promise.race([once(worker, "message"), once(worker, "exit")])) as [Heap | number | null];
  if (typeof answer !== "object" || answer === null) throw new Error(`heap.worker.ts ended, ${answer}`);
  return answer;
}
