import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { conformance } from "@deep-agent/conformance";
import { FileBackend } from "@deep-agent/file";
import { describe, it } from "@jest/globals";
import { layers, stacks } from "./support/stacks.ts";

const chosen: typeof stacks = { ...stacks };
for (const name of ["encryption, of ids too"]) chosen[name] = layers[name] as (typeof stacks)[string];

/** Where a second process is tried, too: with the layers that change ids and records. */
const withTwoProcesses: ReadonlySet<string> = new Set([
  "encryption, of ids too",
  "prefix over encryption of ids over retry over timeout",
]);

let directory: string;

for (const [name, stack] of Object.entries(chosen)) {
  const open = () =>
    stack(
      new FileBackend<object>({ directory: join(directory, "store"), durability: "os" }),
      new FileBackend<object>({ directory: join(directory, "spare"), durability: "os" }),
    ) as FileBackend<object>;
  conformance(
    { describe, it },
    {
      name: `${name}, on files`,
      open() {
        directory = mkdtempSync(join(tmpdir(), "deep-agent-middleware-"));
        return open();
      },
      reopen: open,
      ...(withTwoProcesses.has(name) && {
        elsewhere: { module: join(__dirname, "workers/stack.worker.ts"), args: () => [name, directory] },
      }),
      close: () => rmSync(directory, { recursive: true }),
      // A delete leaves a file for a day which says that the memory is gone. It holds nothing that was said.
      residue: () =>
        readdirSync(directory, { recursive: true, encoding: "utf8" }).filter(
          (file) => file.endsWith(".jsonl") && readFileSync(join(directory, file), "utf8").includes('"r":[{'),
        ),
    },
  );
}
