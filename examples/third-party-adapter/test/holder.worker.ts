// Locks a new database for writing, prints "ready", and releases the lock after a while.
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

const [path = ""] = process.argv.slice(2);
const db = new DatabaseSync(path);
db.exec("BEGIN IMMEDIATE");
process.stdout.write("ready\n");
await sleep(300);
db.exec("COMMIT");
db.close();
