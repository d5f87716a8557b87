import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkOptionNames, MemoryError } from "@deep-agent/core/adapter";
import { BACKEND } from "./file-error.ts";
import type { FileSystem } from "./file-system.ts";

/**
 * When a write counts as stored: `"sync"` (default) once it is flushed to the disk, and so survives a loss of power; `"os"` once
 * the operating system has it, and so survives a kill of the process, not a crash of the machine.
 */
export type Durability = "sync" | "os";

/**
 * What a reader does about a damaged line: `"throw"` (default) `CORRUPT`, or `"skip"` it. A skipped line is copied to
 * `<file>.<offset>.corrupt` first, and published on `deep-agent:backend`.
 */
export type CorruptPolicy = "throw" | "skip";

export interface FileBackendOptions {
  /** Where the files lie; made, private to the user, where it is missing. Default `~/.deep-agent/memories`. */
  directory?: string | undefined;
  durability?: Durability | undefined;
  onCorrupt?: CorruptPolicy | undefined;
  /**
   * Above which share of bytes that a save has replaced, from 0 to 1, the save compacts the file before it resolves; `false`:
   * never. Default 0.5. See {@link FileBackend.compact}.
   */
  compactAt?: number | false | undefined;
  /** The smallest file that is compacted so: bytes. Default 262,144. */
  compactMinBytes?: number | undefined;
  /** What is done with the disk. Default: what `node:fs` does. For tests. */
  fileSystem?: FileSystem | undefined;
}

const optionNames: readonly (keyof FileBackendOptions)[] = [
  ...(["directory", "durability", "onCorrupt", "compactAt", "compactMinBytes", "fileSystem"] as const),
];

export function defaultDirectory(): string {
  return join(homedir(), ".deep-agent", "memories");
}

/** Throws `INVALID_CONFIG` for options that this backend does not have, or values that they do not take. */
export function checkOptions(options: FileBackendOptions): void {
  checkOptionNames("FileBackend", options, optionNames, BACKEND);
  const { directory, durability, onCorrupt, compactAt, compactMinBytes } = options;
  if (directory !== undefined && (typeof directory !== "string" || directory === "" || directory.includes("\0"))) {
    throw invalid("needs a directory that is a path");
  }
  if (durability !== undefined && durability !== "sync" && durability !== "os")
    throw invalid('takes a durability of "sync" or "os"');
  if (onCorrupt !== undefined && onCorrupt !== "throw" && onCorrupt !== "skip")
    throw invalid('takes an onCorrupt of "throw" or "skip"');
  if (
    compactAt !== undefined &&
    compactAt !== false &&
    !(typeof compactAt === "number" && 0 <= compactAt && compactAt <= 1)
  )
    throw invalid("takes a compactAt from 0 to 1, or false");
  if (compactMinBytes !== undefined && !(Number.isSafeInteger(compactMinBytes) && compactMinBytes >= 0))
    throw invalid("takes a compactMinBytes that is a number of bytes");
}

/**
 * The options in a URL: `file:./memories` (from the working directory), `file:///var/memories`, with `?durability=…&onCorrupt=…`
 * and so on.
 * `file:` alone is the default directory. Throws `INVALID_CONFIG`.
 */
export function optionsOfUrl(url: string): FileBackendOptions {
  if (typeof url !== "string" || !/^file:/i.test(url)) throw invalid("takes a URL that begins with file:");
  const [address = "", query = ""] = url.split(/\?(.*)/s, 2);
  const options: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const parse = parameters.get(name);
    if (parse === undefined) throw invalid(`has no option ${JSON.stringify(name)}`);
    options[name] = parse(value);
  }
  const directory = directoryOf(address);
  // The values are checked where the backend is made.
  return { ...options, ...(directory !== "" && { directory }) } as FileBackendOptions;
}

const text = (value: string): unknown => value;
const number = (value: string): unknown => (/^\d+(\.\d+)?$/.test(value) ? Number(value) : value);

/** The options that a URL may hold, by name: what their text stands for. */
const parameters: ReadonlyMap<string, (value: string) => unknown> = new Map([
  ["durability", text],
  ["onCorrupt", text],
  ["compactAt", (value) => (value === "false" ? false : number(value))],
  ["compactMinBytes", number],
]);

function directoryOf(address: string): string {
  try {
    if (/^file:\/\//i.test(address)) {
      if (address.includes("#")) throw invalid("takes no URL with a # in it: that of a path is %23");
      return fileURLToPath(address);
    }
    const path = decodeURIComponent(address.slice("file:".length));
    return path === "" ? "" : resolve(path);
  } catch (error) {
    if (MemoryError.is(error)) throw error;
    throw invalid(`cannot make a path of ${JSON.stringify(address)}`, error);
  }
}

function invalid(problem: string, cause?: unknown): MemoryError {
  return new MemoryError("INVALID_CONFIG", `The file backend ${problem}.`, {
    backend: BACKEND,
    hint: 'Its options are directory, durability ("sync" or "os"), onCorrupt ("throw" or "skip"), compactAt and compactMinBytes.',
    cause,
  });
}
