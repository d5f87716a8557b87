import { FileBackend } from "../../src/index.ts";
import { nextLine, say } from "../support/lines.ts";
import { type Said, turnOf } from "../support/turns.ts";

/**
 * Saves or deletes the memory again and again, from the first line that it gets until the next one. A save has `1 + n %
 * 3` turns of its own.
 */
export interface RewriteOptions {
  directory: string;
  memoryId: string;
  writer: string;
  from: number;
  deletes: boolean;
  sizes: number[];
  /** Compact after each save that replaces anything. */
  compacts?: boolean;
}

const options = JSON.parse(process.argv[2] ?? "") as RewriteOptions; // the test's own
const { directory, memoryId, writer, from, deletes, sizes, compacts } = options;
const compaction = compacts ? { compactAt: 0, compactMinBytes: 0 } : {};
const backend = new FileBackend<Said>({ directory, durability: "os", ...compaction });
say("ready");
await nextLine();
let stopped = false;
void nextLine().then(() => {
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
