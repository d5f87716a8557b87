import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { conformance } from "@deep-agent/conformance";
import { describe, it } from "@jest/globals";
import { KeyvSqlite } from "@keyv/sqlite";
import { KeyvBackend } from "../src/index.ts";

let directory: string;
let ttl: number | null;
/** The stores of the running test, which backends leave open. */
let stores: KeyvSqlite[] = [];

function databaseFile(): string {
  return join(directory, "memories.sqlite");
}

async function onFile(): Promise<KeyvBackend<object>> {
  const store = new KeyvSqlite({ uri: `sqlite://${databaseFile()}`, busyTimeout: 5_000 });
  stores.push(store);
  await store.ready;
  return new KeyvBackend<object>({ store, namespace: "memories", ttl });
}

function newFile(ttlMs: number | null): Promise<KeyvBackend<object>> {
  directory = mkdtempSync(join(tmpdir(), "deep-agent-keyv-"));
  ttl = ttlMs;
  return onFile();
}

conformance(
  { describe, it },
  {
    name: "keyv over SQLite",
    open: () => newFile(null),
    reopen: onFile,
    async close() {
      await Promise.all(stores.map((store) => store.disconnect()));
      stores = [];
      rmSync(directory, { recursive: true });
    },
    ttl: { open: newFile },
    elsewhere: {
      module: join(__dirname, "workers/sqlite.worker.ts"),
      args: () => [`sqlite://${databaseFile()}`, ttl],
    },
    residue() {
      const database = new DatabaseSync(databaseFile());
      const rows = database.prepare("SELECT key FROM keyv").all();
      database.close();
      return rows.map(({ key }) => String(key));
    },
  },
);
