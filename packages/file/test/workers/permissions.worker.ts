import { writeSync } from "node:fs";
import { FileBackend } from "../../src/index.ts";

/*
 * Makes one call to a backend as another user or under another umask: `<directory> <umask> <user id, or -> <method>`.
 * Prints the answer or the error in JSON.
 */

const [directory = "", umask = "", uid = "", method = ""] = process.argv.slice(2);
process.umask(Number.parseInt(umask, 8));
const backend = new FileBackend<{ text: string }>({ directory });
if (uid !== "-") process.setuid?.(Number(uid));

async function run(): Promise<unknown> {
  switch (method) {
    case "append":
      return backend.append("user-alice", [{ text: "the canary" }]);
    case "delete":
      return backend.delete("user-alice");
    case "list":
      return backend.list();
    default:
      return backend.load("user-alice");
  }
}

const answer = await run().then(
  (result) => ({ result: result ?? null }),
  ({ code, outcome, retryable, memoryId, message, hint }) => ({
    error: { code, outcome, retryable, memoryId, message, hint },
  }),
);
writeSync(1, JSON.stringify(answer));
