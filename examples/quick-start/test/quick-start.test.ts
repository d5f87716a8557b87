import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

const folder = join(__dirname, "..");
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "deep-agent-quick-start-"));
});
afterEach(() => rm(home, { recursive: true }));

/** Runs the example in a new process, in a folder of its own, without an API key. */
async function run(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, OPENAI_API_KEY: "", OPENAI_BASE_URL: "" };
  return promisify(execFile)(process.execPath, [join(folder, "src/main.ts"), ...args], { cwd: home, env });
}

describe("the quick start", () => {
  it("remembers in a second process what it was told in the first", async () => {
    const first = await run();
    expect(first.stdout).toBe("Noted: your favorite color is blue.\n");
    expect(first.stderr).toContain("offline model");
    expect(await readdir(join(home, "memories"))).toHaveLength(1);

    const second = await run("What is my favorite color?");
    expect(second.stdout).toBe("Your favorite color is blue.\n");
  });

  it("is the code that the README prints", async () => {
    const code = await readFile(join(folder, "src/quick-start.ts"), "utf8");
    expect(await readFile(join(folder, "README.md"), "utf8")).toContain(`\`\`\`ts\n${code}\`\`\``);
  });
});
