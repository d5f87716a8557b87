// Waits for its input to end, then appends to the memory "m" of a database, and prints the number of each turn after it
// was acknowledged.
import { once } from "node:events";
import { SqliteBackend } from "../src/index.ts";

const [path = "", writer = "", turns = ""] = process.argv.slice(2);
const backend = new SqliteBackend<{ writer: string; turn: number; part: number }>({ path, busyTimeout: 60_000 });
process.stdout.write("ready\n");
await once(process.stdin.resume(), "end");
for (let turn = 0; turn < Number(turns); turn++) {
  const parts = [0, 1].map((part) => ({ writer, turn, part }));
  await backend.append("m", parts);
  process.stdout.write(`${turn}\n`);
}
