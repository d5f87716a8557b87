import { isAbsolute } from "node:path";
import { MemoryError } from "../contract/memory-error.ts";

/** Whether an adapter is named by a path, not by the name of a package. */
export function isPath(name: string): boolean {
  return /^\.{1,2}[/\\]/.test(name) || isAbsolute(name);
}

/** `@acme/memory/lite` → `@acme/memory` and `./lite`. Throws `INVALID_CONFIG` for any other text. */
export function splitName(name: string): { packageName: string; subpath: string } {
  const parts = /^((?:@[^/\\@%]+\/)?[^/\\@%.][^/\\@%:]*)(?:\/(.+))?$/.exec(name);
  const [, packageName, rest] = parts ?? [];
  if (packageName === undefined) throw invalidName();
  return { packageName, subpath: rest === undefined ? "." : `./${rest}` };
}

function invalidName(): MemoryError {
  return new MemoryError("INVALID_CONFIG", "The config's `adapter` is not the name of a package.", {
    hint: 'Give a package ("@acme/memory-s3"), a module of one ("@acme/memory-s3/lite") or a path ("./my-adapter.js").',
  });
}
