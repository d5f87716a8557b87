import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { workspace } from "./copied-sources.ts";

/** The offline model in a process of its own, so that a test may wait for a program that talks to it. */
export interface OfflineModel {
  env: { OPENAI_BASE_URL: string; OPENAI_API_KEY: string };
  stop(): Promise<void>;
}

export async function startOfflineModel(): Promise<OfflineModel> {
  const child = spawn(process.execPath, [join(workspace, "examples/offline-model/src/main.ts")], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line = ""] = (await once(createInterface(child.stdout), "line")) as string[];
  return {
    env: { OPENAI_BASE_URL: line.replace(/^export OPENAI_BASE_URL=/, ""), OPENAI_API_KEY: "none-needed" },
    async stop() {
      if (child.kill()) await once(child, "exit");
    },
  };
}
