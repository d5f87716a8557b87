import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { isRunning } from "./support/is-running.ts";

describe("a server that its test process forgot", () => {
  it.each(["leave", "stay"])("ends after that process, and its data is removed: %s", async (how) => {
    const worker = spawn(process.execPath, [join(__dirname, "workers/forgetful.worker.ts"), how], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const exited = once(worker, "exit");
    const [line] = await once(worker.stdout, "data");
    const { pid, directory } = JSON.parse(String(line)) as { pid: number; directory: string }; // the worker's own
    expect(pid).toBeGreaterThan(1);
    if (how === "stay") worker.kill("SIGKILL");
    expect(await exited).toEqual(how === "stay" ? [null, "SIGKILL"] : [0, null]);
    while (isRunning(pid) || existsSync(directory)) await pause(10); // until then the test does not end
  });
});
