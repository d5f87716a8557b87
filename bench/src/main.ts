import { mkdir, readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { names } from "./contenders/catalogue.ts";
import { describeMachine } from "./machine.ts";
import { fullPlan, quickPlan } from "./plan.ts";
import { drawCharts } from "./report/charts.ts";
import { reportOf } from "./report/report.ts";
import type { Results } from "./results.ts";
import { Stage } from "./stage.ts";
import { measureFootprint } from "./works/footprint.ts";
import { measureListing } from "./works/listing.ts";
import { measureStorage } from "./works/storage.ts";
import { measureCluster, measureThroughput } from "./works/throughput.ts";
import { measureTurns } from "./works/turns.ts";

const docs = new URL("../../docs/", import.meta.url);
const charts = new URL("benchmarks/", docs);
/** The results of the last runs. Those of a quick run are not committed. */
const resultsOf = { full: new URL("results.json", charts), quick: new URL("../.data/quick.json", import.meta.url) };

async function measure(kind: Results["plan"]): Promise<Results> {
  const plan = kind === "quick" ? quickPlan : fullPlan;
  const begun = performance.now();
  const step = async <R>(what: string, work: () => Promise<R>): Promise<R> => {
    const started = performance.now();
    process.stderr.write(`${what} …`);
    const result = await work();
    process.stderr.write(` ${((performance.now() - started) / 1_000).toFixed(0)} s\n`);
    return result;
  };
  /** These use the same processes, which have ended before the rest is measured. */
  const together = async () => {
    await using stage = await Stage.set();
    const company = await step("contenders", () => stage.children(names));
    return {
      ...(await step("turns", () => measureTurns(stage, company, plan))),
      throughput: await step("throughput", () => measureThroughput(stage, company, plan)),
    };
  };
  return {
    date: new Date().toISOString(),
    plan: kind,
    machine: await describeMachine(),
    ...(await together()),
    cluster: await step("cluster", () => measureCluster(plan)),
    storage: await step("storage", () => measureStorage(plan)),
    listing: await step("listing", () => measureListing(plan)),
    footprint: await step("footprint", () => measureFootprint(plan)),
    seconds: Math.round((performance.now() - begun) / 1_000),
  };
}

const { values } = parseArgs({ options: { quick: { type: "boolean" }, render: { type: "boolean" } } });
const kind = values.quick ? "quick" : "full";
const file = resultsOf[kind];
let results: Results;
if (values.render) {
  results = JSON.parse(await readFile(file, "utf8")) as Results; // as the run below wrote it
} else {
  results = await measure(kind);
  await mkdir(new URL(".", file), { recursive: true });
  await writeFile(file, `${JSON.stringify(results, null, 1)}\n`);
}
const report = reportOf(results);
process.stdout.write(report.replaceAll(/^!\[.*\n\n/gm, "")); // a terminal shows no charts
if (kind === "full") {
  await writeFile(new URL("benchmarks.md", docs), report);
  for (const [name, svg] of Object.entries(await drawCharts(results)))
    await writeFile(new URL(`${name}.svg`, charts), svg);
}
