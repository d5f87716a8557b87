import { startRedis } from "../../src/index.ts";

/** Starts a server, says where it is, and leaves it: it waits to be killed, or ends without a word of farewell. */
const server = await startRedis();
process.stdout.write(`${JSON.stringify({ pid: server.pid, directory: server.directory })}\n`);
if (process.argv[2] === "stay") process.stdin.resume();
