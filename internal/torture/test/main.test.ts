import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";

function torture(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(__dirname, "../src/main.ts"), ...args], { encoding: "utf8" });
}

describe("pnpm torture --quick", () => {
  it("ends as the full run does: with the table, and with status 0 if all promises were kept", () => {
    const { status, stdout } = torture("--quick", "--part", "agent");
    expect(stdout).toMatch(/^scenario +faults +acknowledged +lost +duplicated +torn +silently wrong$/m);
    expect(stdout).toMatch(/^agent, file store +\d+ +\d+ +0 +0 +0 +0$/m);
    expect(stdout).toContain("Nothing was lost, duplicated, torn or silently wrong.");
    expect(status).toBe(0);
  });

  it("ends with status 2 if it cannot be completed", () => {
    const { status, stderr } = torture("--quick", "--part", "none");
    expect(stderr).toContain("Unknown part none. The parts are: kill, damage, agent.");
    expect(status).toBe(2);
  });
});
