import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "@jest/globals";

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill();
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [join(__dirname, "../src/main.ts"), ...args]);
  started.push(child);
  return child;
}

/** The first two lines that it prints. */
async function linesOf(child: ReturnType<typeof start>): Promise<string[]> {
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return [(await lines.next()).value ?? "", (await lines.next()).value ?? ""];
}

describe("the offline model as a command", () => {
  it("prints the two variables that lead to it, and answers there", async () => {
    const lines = await linesOf(start());
    expect(lines[1]).toBe("export OPENAI_API_KEY=none-needed");
    const [, baseURL = ""] = /^export OPENAI_BASE_URL=(http:\/\/127\.0\.0\.1:\d+\/v1)$/.exec(lines[0] ?? "") ?? [];
    const body = JSON.stringify({ model: "gpt-4", messages: [{ role: "user", content: "My name is Alice." }] });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${baseURL}/chat/completions`, { method: "POST", headers, body });
    expect(await response.text()).toContain("Noted: your name is Alice.");
  });

  it("listens at the port that it is given, or says in one line that it is taken", async () => {
    const [line = ""] = await linesOf(start());
    const port = /\d+(?=\/v1)/.exec(line)?.[0] ?? "";
    const second = start("--port", port);
    let said = "";
    second.stderr.on("data", (data) => {
      said += data;
    });
    expect(await once(second, "close")).toEqual([1, null]);
    expect(said).toBe("That port is taken. Name another one with --port, or none for a free one.\n");
  });
});
