import { FileBackend } from "../../src/index.ts";
import { nextLine, say } from "../support/lines.ts";
import { type Said, turnOf } from "../support/turns.ts";

/**
 * Appends turns, and says `try <turn> <since>` before and `ack <turn>` after each. Begins at the first line that it
 * gets, and ends at the next one.
 */
export interface AppendOptions {
  directory: string;
  durability: "sync" | "os";
  memoryId: string;
  writer: string;
  from: number;
  /** How many turns. Default: until the next line. */
  count?: number;
  sizes: number[];
  /** The revision that was known before the first attempt at the first turn. Default: the one that is read. */
  since?: string | null;
  /** Compact after each save, and after each turn whose number is a multiple of this. */
  compactEach?: number;
}

const options = JSON.parse(process.argv[2] ?? "") as AppendOptions; // the test's own
const { directory, durability, memoryId, writer, from, count = Number.POSITIVE_INFINITY, sizes, compactEach } = options;
const backend = new FileBackend<Said>({ directory, durability });
say("ready");
await nextLine();
let stopped = false;
void nextLine().then(() => {
  stopped = true;
});
let { since } = options;
if (since === undefined) since = (await backend.read(memoryId, { last: 1 }))?.revision ?? null;
for (let turn = from; turn < from + count && !stopped; turn++) {
  say(`try ${turn} ${since}`);
  since = await append(turn, since);
  say(`ack ${turn}`);
  if (compactEach !== undefined && turn % compactEach === 0) await backend.compact(memoryId);
}
process.exit(0);

async function append(turn: number, since: string | null): Promise<string> {
  const records = turnOf(writer, turn, sizes);
  const operationId = `${writer}-${turn}`;
  try {
    return await backend.append(memoryId, records, { operationId, since });
  } catch (error) {
    // Others made the memory after this worker had found none, or replaced it.
    if ((error as { code?: unknown }).code !== "CONFLICT") throw error;
    const revision = (await backend.read(memoryId, { last: 1 }))?.revision ?? null;
    return append(turn, revision);
  }
}
