import { startRedis } from "../../src/index.ts";

/** Starts a server, prints where it is, and never disposes of it: this process waits to be killed, or just exits. */
const server = await startRedis();
process.stdout.write(`${JSON.stringify({ pid: server.pid, directory: server.directory })}\n`);
if (process.argv[2] === "stay") process.stdin.resume();
