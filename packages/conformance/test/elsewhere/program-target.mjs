// A target whose own module the other process imports: only the program knows it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import onFiles from "./files.cjs";

let directory;

export const name = "files";

export function open() {
  directory = mkdtempSync(join(tmpdir(), "deep-agent-elsewhere-"));
  return onFiles(directory);
}

export const close = () => rmSync(directory, { recursive: true });

export const elsewhere = { args: () => [directory], open: onFiles };
