import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { describe, it } from "node:test";
import { opened } from "./opened.ts";
import { temporaryFolder } from "./temporary-folder.ts";

interface Record {
  writer: string;
  turn: number;
  part: number;
}

describe("several processes write one file", () => {
  it("from its creation on, and each turn is stored once and whole", async (context) => {
    const path = temporaryFolder(context)("memories.db");
    const names = ["a", "b", "c", "d", "e", "f"];
    const writers = await Promise.all(names.map((name) => ready("writer.worker.ts", path, name, "15")));
    // All at once: one of them creates the tables.
    const exits = writers.map((writer) => {
      writer.stdout.resume();
      writer.stdin.end();
      return once(writer, "exit");
    });
    for (const [code] of await Promise.all(exits)) assert.equal(code, 0);

    const turns = turnsOf((await opened<Record>(context, { path }).load("m")) ?? []);
    for (const name of names) {
      const own = turns.filter(({ writer }) => writer === name).map(({ turn }) => turn);
      assert.deepEqual(own, [...Array(15).keys()], `the turns of ${name}`);
    }
  });

  it("and a process waits while another one creates it", async (context) => {
    const path = temporaryFolder(context)("memories.db");
    const holder = await ready("holder.worker.ts", path);
    const exited = once(holder, "exit");
    const backend = opened<Record>(context, { path, busyTimeout: 60_000 });
    await backend.append("m", [{ writer: "a", turn: 0, part: 0 }]);
    assert.equal((await backend.load("m"))?.length, 1);
    const [code] = await exited;
    assert.equal(code, 0);
  });

  it("and acknowledged turns are stored, whenever a process is killed", async (context) => {
    const path = temporaryFolder(context)("memories.db");
    const writer = await ready("writer.worker.ts", path, "a", "100000");
    const exited = once(writer, "exit");
    writer.stdin.end();
    const acknowledged: string[] = [];
    for await (const line of createInterface(writer.stdout)) {
      acknowledged.push(line);
      if (acknowledged.length === 25) writer.kill("SIGKILL");
    }
    const [, signal] = await exited;
    assert.equal(signal, "SIGKILL");

    const backend = opened<Record>(context, { path });
    const stored = turnsOf((await backend.load("m")) ?? []).map(({ turn }) => turn);
    assert.deepEqual(stored, [...stored.keys()], "a turn is missing in between");
    assert.ok(stored.length >= acknowledged.length, `of ${acknowledged.length} turns, ${stored.length} are stored`);
    await backend.append("m", [{ writer: "b", turn: 0, part: 0 }]);
    assert.equal((await backend.load("m"))?.length, 2 * stored.length + 1);
  });
});

/** Two records make a turn. */
function turnsOf(records: readonly Record[]): Record[] {
  return records.flatMap((record, index) => {
    if (index % 2 === 1) return [];
    assert.deepEqual(records[index + 1], { ...record, part: 1 }, "a turn is only partly stored");
    return [record];
  });
}

type Other = ChildProcessByStdio<Writable, Readable, null>;

/** Starts another process, and waits until it prints "ready". */
async function ready(program: string, ...args: string[]): Promise<Other> {
  const other = spawn(process.execPath, ["--no-warnings", join(import.meta.dirname, program), ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await once(other.stdout, "readable");
  assert.equal(String(other.stdout.read("ready\n".length)), "ready\n");
  return other;
}
