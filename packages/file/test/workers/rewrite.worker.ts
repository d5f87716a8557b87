import { FileBackend } from "../../src/index.ts";
import { say, told } from "../support/told.ts";
import { type Said, turnOf } from "../support/turns.ts";

/** Saves the memory or deletes it, again and again, until it is told to stop. A save is of `1 + n % 3` turns of its own. */
export interface RewriteOptions {
  directory: string;
  memoryId: string;
  writer: string;
  from: number;
  deletes: boolean;
  sizes: number[];
  /** Compact behind each save that replaces anything. */
  compacts?: boolean;
}

const options = JSON.parse(process.argv[2] ?? "") as RewriteOptions; // the test's own
const { directory, memoryId, writer, from, deletes, sizes, compacts } = options;
const compaction = compacts ? { compactAt: 0, compactMinBytes: 0 } : {};
const backend = new FileBackend<Said>({ directory, durability: "os", ...compaction });
say("ready");
await told();
let stopped = false;
void told().then(() => {
  stopped = true;
});
for (let n = from; !stopped; n += 3) {
  say(`try ${n}`);
  if (deletes) await backend.delete(memoryId);
  else
    await backend.save(
      memoryId,
      [n, n + 1, n + 2].slice(0, 1 + (n % 3)).flatMap((turn) => turnOf(writer, turn, sizes)),
    );
  say(`ack ${n}`);
}
process.exit(0);
