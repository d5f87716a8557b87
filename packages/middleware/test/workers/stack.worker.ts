import { join } from "node:path";
import type { MemoryBackend } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";
import { layers, stacks } from "../support/stacks.ts";

/** What the other process of the conformance kit calls. */
export const elsewhere: { open(name: string, directory: string): MemoryBackend<object> } = {
  open(name, directory) {
    const stack = { ...layers, ...stacks }[name];
    if (stack === undefined) throw new Error(`There is no stack ${name}.`);
    const [store, spare] = ["store", "spare"].map(
      (folder) => new FileBackend<object>({ directory: join(directory, folder), durability: "os" }),
    );
    if (store === undefined || spare === undefined) throw new Error("There are two stores.");
    return stack(store, spare);
  },
};
