import { FileBackend } from "../../src/index.ts";
import { say, told } from "../support/told.ts";
import { type Said, turnOf } from "../support/turns.ts";

/** Appends turns, and says `try <turn> <since>` before and `ack <turn>` after each. Waits for a line first, ends at another. */
export interface AppendOptions {
  directory: string;
  durability: "sync" | "os";
  memoryId: string;
  writer: string;
  from: number;
  /** Default: until it is told to stop. */
  count?: number;
  sizes: number[];
  /** What was known before the first turn was tried first; default: what is read. */
  since?: string | null;
  /** Compact behind each save, and by hand behind each turn of which the number is a multiple of this. */
  compactEach?: number;
}

const options = JSON.parse(process.argv[2] ?? "") as AppendOptions; // the test's own
const { directory, durability, memoryId, writer, from, count = Number.POSITIVE_INFINITY, sizes, compactEach } = options;
const backend = new FileBackend<Said>({ directory, durability });
say("ready");
await told();
let stopped = false;
void told().then(() => {
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
    // Others made the memory after we had found none, or it was replaced.
    if ((error as { code?: unknown }).code !== "CONFLICT") throw error;
    const revision = (await backend.read(memoryId, { last: 1 }))?.revision ?? null;
    return append(turn, revision);
  }
}
