import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkOptionNames, MemoryError } from "@deep-agent/core/adapter";
import { BACKEND } from "./file-error.ts";
import type { FileSystem } from "./file-system.ts";

/**
 * When a write counts as stored. `"sync"` (default): once it is flushed to the disk, so that it survives a loss of
 * power. `"os"`: once the operating system has it, so that it survives a kill of the process, but not a crash of the
 * machine.
 */
export type Durability = "sync" | "os";

/**
 * What a read does about a damaged line. `"throw"` (default): it rejects with `CORRUPT`. `"skip"`: it copies the line
 * to `<file>.<offset>.corrupt`, publishes a warning on `deep-agent:backend`, and goes on without the line.
 */
export type CorruptPolicy = "throw" | "skip";

/** The options of a `FileBackend`. Every option has a default. */
export interface FileBackendOptions {
  /**
   * The directory of the files. The first write makes it if it is missing, private to the user. Default:
   * `~/.deep-agent/memories`.
   */
  directory?: string | undefined;
  /** When a write counts as stored. Default: `"sync"`. */
  durability?: Durability | undefined;
  /** What a read does about a damaged line. Default: `"throw"`. */
  onCorrupt?: CorruptPolicy | undefined;
  /**
   * A save compacts the file before it resolves if it has replaced more than this share of the file's bytes, from 0 to
   * 1; `false`: never. Default: 0.5. See {@link FileBackend.compact}.
   */
  compactAt?: number | false | undefined;
  /** The smallest file that a save compacts: bytes. Default: 262,144. */
  compactMinBytes?: number | undefined;
  /** How the backend accesses the disk. Default: by `node:fs`. For tests. */
  fileSystem?: FileSystem | undefined;
}

const optionNames: readonly (keyof FileBackendOptions)[] = [
  ...(["directory", "durability", "onCorrupt", "compactAt", "compactMinBytes", "fileSystem"] as const),
];

export function defaultDirectory(): string {
  return join(homedir(), ".deep-agent", "memories");
}

/** Throws `INVALID_CONFIG` for an unknown option or an invalid value. */
export function checkOptions(options: FileBackendOptions): void {
  checkOptionNames("FileBackend", options, optionNames, BACKEND);
  const { directory, durability, onCorrupt, compactAt, compactMinBytes } = options;
  if (directory !== undefined && (typeof directory !== "string" || directory === "" || directory.includes("\0"))) {
    throw invalid("needs a directory that is a valid path");
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
    throw invalid("takes a compactMinBytes that is a non-negative integer: bytes");
}

/**
 * The options in a URL: `file:./memories` (relative to the working directory) or `file:///var/memories`, with
 * parameters such as `?durability=…&onCorrupt=…`. `file:` alone means the default directory. Throws `INVALID_CONFIG`.
 */
export function optionsOfUrl(url: string): FileBackendOptions {
  if (typeof url !== "string" || !/^file:/i.test(url)) throw invalid("takes a URL that begins with file:");
  const [address = "", query = ""] = url.split(/\?(.*)/s, 2);
  const options: Record<string, unknown> = {};
  const given = new URLSearchParams(query);
  checkOptionNames("The URL of a FileBackend", Object.fromEntries(given), parameters.keys(), BACKEND);
  for (const [name, value] of given) options[name] = parameters.get(name)?.(value);
  const directory = directoryOf(address);
  // The constructor of the backend checks the values.
  return { ...options, ...(directory !== "" && { directory }) } as FileBackendOptions;
}

const text = (value: string): unknown => value;
const number = (value: string): unknown => (/^\d+(\.\d+)?$/.test(value) ? Number(value) : value);

/** The options that a URL may hold, by name, with a function that makes a value of their text. */
const parameters: ReadonlyMap<string, (value: string) => unknown> = new Map([
  ["durability", text],
  ["onCorrupt", text],
  ["compactAt", (value) => (value === "false" ? false : number(value))],
  ["compactMinBytes", number],
]);

function directoryOf(address: string): string {
  try {
    if (/^file:\/\//i.test(address)) {
      if (address.includes("#")) throw invalid("takes no URL with a #: in a path, write it as %23");
      return fileURLToPath(address);
    }
    const path = decodeURIComponent(address.slice("file:".length));
    return path === "" ? "" : resolve(path);
  } catch (error) {
    if (MemoryError.is(error)) throw error;
    throw invalid(`cannot turn ${JSON.stringify(address)} into a path`, error);
  }
}

function invalid(problem: string, cause?: unknown): MemoryError {
  return new MemoryError("INVALID_CONFIG", `The file backend ${problem}.`, {
    backend: BACKEND,
    hint: 'Its options are directory, durability ("sync" or "os"), onCorrupt ("throw" or "skip"), compactAt and compactMinBytes.',
    cause,
  });
}
