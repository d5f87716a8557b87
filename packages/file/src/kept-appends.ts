import type { Line } from "./line.ts";
import type { LogFile } from "./log-file.ts";

/** How many of the newest appends a save keeps known with `keepOperations`. */
const KEPT_APPENDS = 64;

/** The operation ids of appends that this line of a save keeps known, oldest first; `[]`: it is another line. */
export function keptBy({ kind, payload }: Line): readonly string[] {
  if (kind !== "part") return [];
  const [, kept] = /^\{"t":"[^"]*","at":\d+,"from":\d+,"r":\[\],"kept":(.*)\}$/.exec(payload) ?? [];
  return [...(kept ?? "").matchAll(/"([\w-]+)"/g)].flatMap(([, operationId]) => operationId ?? []);
}

/** The operation ids of the newest appends that the log up to `end` knows, oldest first. */
export async function knownAppends(log: LogFile, end: number): Promise<string[]> {
  const newestFirst: string[] = [];
  for await (const line of log.back(end)) {
    if (line.kind === "part") {
      // The line before the `save`. Older ones hold its records.
      newestFirst.push(...[...keptBy(line)].reverse());
      break;
    }
    if (line.kind === "save") continue;
    const [, operationId] = /^\{"t":"([\w-]+)",/.exec(line.payload) ?? [];
    if (operationId !== undefined) newestFirst.push(operationId);
    if (newestFirst.length >= KEPT_APPENDS) break;
  }
  return newestFirst.slice(0, KEPT_APPENDS).reverse();
}
