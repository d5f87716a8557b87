// A target whose other process is blocked. The environment names the file for that process's id.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import onFiles from "./files.cjs";

let directory;

export const name = "blocked";

export function open() {
  directory = mkdtempSync(join(tmpdir(), "deep-agent-elsewhere-"));
  return onFiles(directory);
}

export const elsewhere = {
  module: fileURLToPath(new URL("blocking.mjs", import.meta.url)),
  args: () => [directory, process.env.PIDS],
};
