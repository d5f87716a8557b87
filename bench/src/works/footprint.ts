import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
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
  /** How much longer a program takes that imports the package than one that imports nothing, in ms. */
  ms: Spread;
  /**
   * Bytes that an `import` loads, bundled, minified and gzipped, without what {@link packages} leaves out. `null`: the
   * package cannot be bundled.
   */
  loaded: number | null;
  /** The same, with what is loaded later, when it is needed. */
  all: number | null;
}

export interface Footprint {
  imports: ImportCost[];
  heap: Heap;
}

/** The packages, and what each size leaves out: clients, and the library that the package is an adapter for. */
const packages: Readonly<Record<string, readonly string[]>> = {
  "@deep-agent/core": ["openai"],
  "@deep-agent/in-memory": ["@deep-agent/core"],
  "@deep-agent/file": ["@deep-agent/core"],
  "@deep-agent/redis": ["@deep-agent/core", "@redis/client"],
  "@deep-agent/middleware": ["@deep-agent/core"],
  "@langchain/redis": ["redis", "@langchain/core"],
  "@mastra/redis": ["redis", "@mastra/core"],
  "@langchain/langgraph-checkpoint-redis": ["redis", "@langchain/core", "@langchain/langgraph-checkpoint"],
  "@openai/agents-core": ["openai"],
};

export async function measureFootprint({ footprint }: Plan): Promise<Footprint> {
  const names = Object.keys(packages);
  const times = await importTimes(names, footprint.imports);
  const sizes = await Promise.all(names.map((name) => sizeOf(name, packages[name] ?? [])));
  const imports = names.map((name, place) => ({
    package: name,
    ms: spreadOf(times[place] ?? []),
    ...(sizes[place] ?? { loaded: null, all: null }),
  }));
  return { imports, heap: await measureHeap(footprint) };
}

/** Each round starts a process for each package, and processes that import nothing. What counts is the difference. */
async function importTimes(names: readonly string[], rounds: number): Promise<number[][]> {
  const times = names.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    // Three, because everything is compared with it.
    const bare = median([await timeOf(), await timeOf(), await timeOf()]) ?? 0;
    for (const [place, name] of names.entries()) {
      times[place]?.push((await timeOf(`await import(${JSON.stringify(name)});`)) - bare);
    }
  }
  return times;
}

async function timeOf(program = ""): Promise<number> {
  const started = performance.now();
  const whole = `${program} process.exit();`;
  await run(process.execPath, ["--input-type=module", "--eval", whole], { cwd: import.meta.dirname });
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
    const zipped = (names: Iterable<string>): number => {
      const contents = [...names].map((name) => outputFiles.find(({ path }) => path === resolve(name))?.contents);
      const found = contents.filter((content) => content !== undefined);
      if (found.length === 0 || found.length < contents.length) throw new Error(`Parts of ${name} are missing.`);
      return gzipSync(Buffer.concat(found), { level: 9 }).length;
    };
    return { loaded: zipped(loadedAtOnce(metafile)), all: zipped(Object.keys(metafile.outputs)) };
  } catch {
    return { loaded: null, all: null };
  }
}

/** The entry and what it imports, without what it imports by `import()`. */
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

/** In ms. Counting a heap does not take that long: a process that does is killed. */
const HEAP_LIMIT = 180_000;

async function measureHeap({ conversations, turns }: Plan["footprint"]): Promise<Heap> {
  await using stage = await Stage.set();
  const worker = fork(new URL("heap.worker.ts", import.meta.url), {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const job: HeapJob = { url: stage.redis.url, conversations, turns };
  worker.send(job);
  const late = setTimeout(() => worker.kill("SIGKILL"), HEAP_LIMIT);
  try {
    const [answer] = (await Promise.race([once(worker, "message"), once(worker, "exit")])) as [Heap | number | null];
    if (typeof answer !== "object" || answer === null) throw new Error(`heap.worker.ts ended with ${answer}`);
    return answer;
  } finally {
    clearTimeout(late);
  }
}
