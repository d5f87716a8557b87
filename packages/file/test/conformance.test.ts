import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conformance } from "@deep-agent/conformance";
import { describe, it } from "@jest/globals";
import { FileBackend } from "../src/index.ts";

let directory: string;

/** With the default options, and with a compaction after each save that replaces anything. */
for (const [name, compaction] of Object.entries({ file: {}, "file, compacted": { compactAt: 0, compactMinBytes: 0 } }))
  conformance(
    { describe, it },
    {
      name,
      open() {
        directory = mkdtempSync(join(tmpdir(), "deep-agent-file-"));
        return new FileBackend<object>({ directory, ...compaction });
      },
      reopen: () => new FileBackend<object>({ directory, ...compaction }),
      elsewhere: {
        module: join(__dirname, "workers/elsewhere.worker.ts"),
        args: () => [{ directory, ...compaction }],
      },
      close: () => rmSync(directory, { recursive: true }),
      // The file that a delete leaves for a day says that the memory is gone. It holds no text of the memory.
      residue: () =>
        readdirSync(directory).filter((file) => readFileSync(join(directory, file), "utf8").includes('"r":[{')),
      lose() {
        const path = newestFile();
        const text = readFileSync(path, "utf8");
        // Each line begins with the newline that separates it from the line before.
        truncateSync(path, Buffer.byteLength(text.slice(0, text.lastIndexOf("\n"))));
      },
    },
  );

/** The highest generation of the only memory. */
function newestFile(): string {
  const files = readdirSync(directory).filter((file) => file.endsWith(".jsonl"));
  return join(directory, files.sort().at(-1) ?? "");
}
