import type { Capability } from "@deep-agent/core/adapter";
import type { PromiseReport, Report } from "./report.ts";

const SIGNS: Record<PromiseReport["outcome"], string> = {
  kept: "kept",
  broken: "BROKEN",
  absent: "absent",
  untested: "untested",
};

/** The line of one promise, and below it what is wrong, if anything. */
export function promiseText({ promise, outcome, reason, tests }: PromiseReport): string {
  const remarks = [...(reason === undefined ? [] : [reason]), ...tests.flatMap(({ remarks = [] }) => remarks)];
  const lines = [`${SIGNS[outcome].padEnd(9)}${promise}${remarks.map((remark) => ` (${remark})`).join("")}`];
  for (const test of tests.filter((one) => one.outcome === "broken")) {
    lines.push("", `         ${test.name}:`, ...indented(test.problem ?? ""), "", "         Calls:");
    lines.push(...indented((test.reproduction ?? []).join("\n")), "");
  }
  return lines.join("\n");
}

/** The table of capabilities, and the totals. */
export function summaryText({ name, conforms, capabilities, promises }: Report): string {
  const count = (outcome: PromiseReport["outcome"]): number => promises.filter((one) => one.outcome === outcome).length;
  const tests = promises.flatMap((one) => one.tests).filter(({ outcome }) => outcome === "kept").length;
  const names = Object.keys(capabilities) as Capability[];
  return [
    "",
    "capability",
    ...names.map((capability) => `  ${capability.padEnd(12)}${capabilities[capability] ? "yes" : "no"}`),
    "",
    `${name} ${conforms ? "conforms" : "DOES NOT CONFORM"}: of ${promises.length} promises, ${count("kept")} are kept (${tests} tests), ` +
      `${count("broken")} broken, ${count("absent")} absent, ${count("untested")} untested.`,
  ].join("\n");
}

/** A report as text for people: each promise with its outcome and problems, the capabilities, and the totals. */
export function reportText(report: Report): string {
  return [report.name, "", ...report.promises.map(promiseText), summaryText(report)].join("\n");
}

function indented(text: string): string[] {
  return text.split("\n").map((line) => `           ${line}`);
}
