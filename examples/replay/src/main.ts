import { randomBytes } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { openBackend } from "@deep-agent/core";
import { type Dialogue, parseDialogues, startReplayModel, turnsOf } from "@deep-agent-examples/offline-model";
import type { Comparison } from "./comparison.ts";
import { drive } from "./drive.ts";
import { OtherProcess } from "./other-process.ts";
import { progressOf } from "./progress.ts";
import type { Settings } from "./settings.ts";
import { isSpoken } from "./spoken-turn.ts";

const usage = `npx -y pnpm@10.34.9 replay [--file FILE] [--backend URL] [--keep]

  --file FILE     dialogues, one as JSON on each line; by default a small sample
  --backend URL   where memories are kept; by default DEEP_AGENT_BACKEND, else files in examples/replay/.data
  --keep          leave the memories in that backend; by default they are deleted once they were compared
`;
const sample = join(import.meta.dirname, "sample.jsonl");
const ownFolder = join(import.meta.dirname, "../.data");

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** Resolves to whether everything is stored as it was said. */
async function main(): Promise<boolean> {
  const options = optionsOf(process.argv.slice(2));
  const file = options.file ?? sample;
  const dialogues = parseDialogues(await readFile(file, "utf8"));
  if (dialogues.length === 0) throw new Error(`There are no dialogues in ${file}.`);
  const given = options.backend ?? (process.env["DEEP_AGENT_BACKEND"] || undefined);
  if (/^\s*memory:/i.test(given ?? ""))
    throw new Error("Processes cannot share a memory: backend. Name another backend.");
  if (given === undefined) await rm(ownFolder, { recursive: true, force: true });
  const address = given ?? pathToFileURL(ownFolder).href;
  await openBackend(address); // reports a wrong address before anything else happens

  const model = await startReplayModel(dialogues);
  try {
    const settings: Settings = {
      file,
      address,
      prefix: `replay-${randomBytes(4).toString("hex")}/`,
      model: model.model,
      apiKey: model.apiKey,
      baseURL: model.baseURL,
      // The replay's own folder is emptied at the next run. Other backends are left clean.
      keep: given === undefined || options.keep === true,
    };
    console.log(`${dialogues.length} dialogues of ${relative("", file)}, in two processes`);
    const seconds = await replay(dialogues, settings);
    const comparison = await compare(settings);
    report(dialogues, comparison, seconds);
    if (settings.keep) console.log(`The memories are kept: ${given ?? relative("", ownFolder)}, ${settings.prefix}…`);
    return comparison.mismatches === 0;
  } finally {
    await model.close();
  }
}

function optionsOf(args: string[]): { file?: string; backend?: string; keep?: boolean } {
  try {
    const options = { file: { type: "string" }, backend: { type: "string" }, keep: { type: "boolean" } } as const;
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}

/** Drives all turns through two processes. Resolves to the duration, in seconds. */
async function replay(dialogues: readonly Dialogue[], settings: Settings): Promise<number> {
  const workers = [new OtherProcess("worker.ts", settings), new OtherProcess("worker.ts", settings)] as const;
  const progress = progressOf(dialogues.flatMap(turnsOf).length);
  try {
    await Promise.all(workers.map((worker) => worker.ready));
    const started = performance.now();
    await drive(dialogues, workers, () => progress.step());
    return (performance.now() - started) / 1000;
  } finally {
    progress.stop();
    await Promise.all(workers.map((worker) => worker.end()));
  }
}

/** Lets a third process read and compare what the other two have stored. */
async function compare(settings: Settings): Promise<Comparison> {
  const verifier = new OtherProcess("verifier.ts", settings);
  try {
    await verifier.ready;
    return (await verifier.do({})) as Comparison; // what verifier.ts answers
  } finally {
    await verifier.end();
  }
}

function report(dialogues: readonly Dialogue[], comparison: Comparison, seconds: number): void {
  const turns = dialogues.flatMap(turnsOf);
  const unspoken = turns.filter((turn) => !isSpoken(turn)).length;
  if (unspoken > 0)
    console.log(
      `${unspoken} turns are not a question and one answer, so no agent can produce them: stored as recorded`,
    );
  for (const difference of comparison.differences) console.log(difference);
  const { conversations, messages, toolCalls, mismatches } = comparison;
  const counts = { conversations, messages, "tool calls": toolCalls, mismatches };
  const shown = Object.entries(counts).map(([what, count]) => `${count.toLocaleString("en")} ${what}`);
  console.log(shown.join(", "));
  console.log(`${(turns.length / seconds).toFixed(1)} turns per second`);
}
