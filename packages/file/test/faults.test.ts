import { readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { inspect } from "node:util";
import { MemoryError } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { temporaryName } from "../src/file-name.ts";
import type { FileBackend } from "../src/index.ts";
import { another, contentOf, filesOf, type Note, newBackend, pathOf, rejectionOf } from "./support/backends.ts";
import { type FileSystemCall, systemError, watched } from "./support/watched-file-system.ts";

const ID = "user-alice";
const CANARY = "the canary";
const record = (n: number): Note => ({ n, text: CANARY });

/** A call of a user, in a given state of the memory. */
interface Scenario {
  name: string;
  prepare: (backend: FileBackend<Note>) => Promise<unknown>;
  /** The call can be made again as the same operation. */
  act: (backend: FileBackend<Note>) => Promise<unknown>;
  before: Note[] | null;
  after: Note[] | null;
}

const scenarios: Scenario[] = [
  {
    name: "an append that makes the memory",
    prepare: async () => undefined,
    act: (backend) => backend.append(ID, [record(1)], { operationId: "op", since: null }),
    before: null,
    after: [record(1)],
  },
  {
    name: "an append to a memory that others made",
    prepare: (backend) => backend.append(ID, [record(0)]),
    act: (backend) => backend.append(ID, [record(1)], { operationId: "op" }),
    before: [record(0)],
    after: [record(0), record(1)],
  },
  {
    name: "a save",
    prepare: (backend) => backend.append(ID, [record(0)]),
    act: (backend) => backend.save(ID, [record(5), record(6)], { operationId: "op" }),
    before: [record(0)],
    after: [record(5), record(6)],
  },
  {
    name: "an append after a delete",
    prepare: async (backend) => {
      await backend.append(ID, [record(0)]);
      await backend.delete(ID);
    },
    act: (backend) => backend.append(ID, [record(1)], { operationId: "op", since: null }),
    before: null,
    after: [record(1)],
  },
  {
    name: "a delete",
    prepare: (backend) => backend.append(ID, [record(0)]),
    act: (backend) => backend.delete(ID),
    before: [record(0)],
    after: null,
  },
];

/** What the memory may hold, whether the call succeeded or not. */
function statesOf({ before, after }: Scenario): string[] {
  return [JSON.stringify(before), JSON.stringify(after)];
}

/** Prepares the scenario on a disk without faults, and returns a backend whose disk is watched. */
async function start({ prepare }: Scenario, decide: Parameters<typeof watched>[0]): Promise<FileBackend<Note>> {
  const whole = newBackend({ durability: "sync" });
  await prepare(whole);
  return another(whole, { durability: "sync", fileSystem: watched(decide) });
}

/** The calls that a scenario makes when nothing fails. */
async function callsOf(scenario: Scenario): Promise<FileSystemCall[]> {
  const calls: FileSystemCall[] = [];
  const backend = await start(scenario, (call) => void calls.push(call));
  await scenario.act(backend);
  return calls;
}

const codes = { EIO: "UNAVAILABLE", ENOSPC: "CAPACITY", EACCES: "UNAUTHORIZED", EMFILE: "UNAVAILABLE" } as const;
type SystemCode = keyof typeof codes;

/** Whether a call can fail with this code. */
function possible(name: string, code: SystemCode): boolean {
  if (code === "ENOSPC") return ["open", "file.write", "link", "mkdir", "file.sync", "syncDirectory"].includes(name);
  if (code === "EMFILE") return ["open", "readdir", "syncDirectory"].includes(name);
  if (code === "EACCES") return !name.startsWith("file.");
  return true;
}

describe("a failed file system call is reported with its code, and loses nothing", () => {
  it.each(scenarios)("$name: each call, with each failure", async (scenario) => {
    const calls = await callsOf(scenario);
    const names = new Set(calls.map(({ name }) => name));
    expect(names).toEqual(new Set([...names, "open", "file.write", "file.sync", "readdir"]));
    let failures = 0;
    for (const [index, { name }] of calls.entries()) {
      for (const code of Object.keys(codes) as SystemCode[]) {
        for (const after of [false, true]) {
          if (!possible(name, code) || (after && (code !== "EIO" || name === "open"))) continue;
          let made = 0;
          const backend = await start(scenario, () =>
            made++ === index ? { error: systemError(code), after } : undefined,
          );
          const what = `call ${index}, ${name}: ${code}${after ? " after its effect" : ""}`;
          const error = await scenario.act(backend).then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
          const now = await another(backend).load(ID);
          expect([what, statesOf(scenario)]).toEqual([what, expect.arrayContaining([JSON.stringify(now)])]);
          if (error === undefined) {
            // A failure may be ignored only if it had no effect.
            expect([what, now]).toEqual([what, scenario.after]);
          } else {
            failures += 1;
            if (!MemoryError.is(error)) throw error;
            expect([what, error.code, error.memoryId, error.backend]).toEqual([what, codes[code], ID, "file"]);
            expect(error.message).toContain(backend.directory);
            expect(error.message).toContain(`"${ID}"`);
            expect(error.hint).toBeDefined();
            expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(CANARY);
            if (error.outcome === "not-applied") expect([what, now]).toEqual([what, scenario.before]);
            else expect([what, error.outcome]).toEqual([what, "unknown"]);
          }
          // Tried again, by a process that knows nothing about the first attempt.
          await scenario.act(another(backend, { durability: "sync" }));
          expect([what, await another(backend).load(ID)]).toEqual([what, scenario.after]);
          expect(filesOf(backend).filter((file) => file.endsWith(".jsonl"))).toHaveLength(1);
        }
      }
    }
    expect(failures).toBeGreaterThan(calls.length / 2);
  });

  it.each(["append", "save"] as const)("a write cut short at any byte: %s", async (method) => {
    const write = (backend: FileBackend<Note>): Promise<unknown> =>
      method === "append"
        ? backend.append(ID, [record(1), record(2)], { operationId: "op" })
        : backend.save(ID, [record(1), record(2)], { operationId: "op" });
    const after = method === "append" ? [record(0), record(1), record(2)] : [record(1), record(2)];
    let length = Number.POSITIVE_INFINITY;
    for (let cutTo = 0; cutTo < length; cutTo++) {
      let cut = false;
      const whole = newBackend();
      await whole.append(ID, [record(0)]);
      const backend = another(whole, {
        fileSystem: watched(({ name, bytes }) => {
          if (name !== "file.write" || cut) return undefined;
          length = bytes;
          cut = true;
          return { cutTo };
        }),
      });
      const error = await rejectionOf(write(backend));
      expect(error).toMatchObject({ code: "CAPACITY", outcome: "not-applied", retryable: true, memoryId: ID });
      expect(inspect(error, { depth: 10 })).not.toContain(CANARY);
      expect(await whole.load(ID)).toEqual([record(0)]);
      await write(backend);
      await write(another(backend));
      expect(await whole.load(ID)).toEqual(after);
    }
    expect(length).toBeGreaterThan(100);
  });

  it("a file that cannot be written whole is not published", async () => {
    const backend = newBackend({
      fileSystem: watched(({ name }) => (name === "file.write" ? { cutTo: 30 } : undefined)),
    });
    await expect(backend.append(ID, [record(0)])).rejects.toMatchObject({ code: "CAPACITY", outcome: "not-applied" });
    expect(filesOf(backend)).toEqual([]);
  });
});

describe("a flush that failed is never tried again", () => {
  it("of a file: this file is not written to any more, but others are", async () => {
    let flushes = 0;
    let failing = false;
    const whole = newBackend({ durability: "sync" });
    await whole.append(ID, [record(0)]);
    const backend = another(whole, {
      durability: "sync",
      fileSystem: watched(({ name }) => {
        if (name !== "file.sync") return undefined;
        flushes += 1;
        return failing ? { error: systemError("EIO") } : undefined;
      }),
    });
    await backend.append(ID, [record(1)]);
    failing = true;
    const first = await rejectionOf(backend.append(ID, [record(2)], { operationId: "op" }));
    expect(first).toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
    failing = false;
    flushes = 0;
    const { size } = statSync(pathOf(backend, `${ID}.1.jsonl`));
    const retry = await rejectionOf(backend.append(ID, [record(2)], { operationId: "op" }));
    expect(retry).toMatchObject({ code: "UNAVAILABLE", outcome: "unknown", retryable: false });
    expect(String(retry)).toMatch(/earlier flush of .*user-alice\.1\.jsonl has failed/);
    const other = await rejectionOf(backend.append(ID, [record(3)]));
    expect(other).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    await expect(backend.save(ID, [])).rejects.toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    expect(flushes).toBe(0);
    expect(statSync(pathOf(backend, `${ID}.1.jsonl`)).size).toBe(size);
    expect(await backend.load(ID)).toEqual([record(0), record(1), record(2)]);
    await backend.append("bob", [record(4)]);
    // A delete makes another file, which may even get the inode number of this one.
    await backend.delete(ID);
    await backend.append(ID, [record(5)]);
    expect(await whole.load(ID)).toEqual([record(5)]);
  });

  it("of the directory: no name is added any more, but files with flushed names are written to", async () => {
    let failing = false;
    const backend = newBackend({
      durability: "sync",
      fileSystem: watched(({ name }) =>
        name === "syncDirectory" && failing ? { error: systemError("EIO") } : undefined,
      ),
    });
    await backend.append("bob", [record(0)]);
    await backend.append("bob", [record(1)]);
    failing = true;
    await expect(backend.append(ID, [record(0)], { operationId: "op" })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      outcome: "unknown",
    });
    failing = false;
    await expect(backend.append(ID, [record(0)], { operationId: "op" })).rejects.toMatchObject({
      code: "UNAVAILABLE",
      outcome: "unknown",
    });
    await expect(backend.append("carol", [record(0)])).rejects.toMatchObject({
      code: "UNAVAILABLE",
      outcome: "not-applied",
    });
    await backend.append("bob", [record(2)]);
    expect(await backend.load("bob")).toEqual([record(0), record(1), record(2)]);
  });

  it('nothing is flushed with durability "os"', async () => {
    const names: string[] = [];
    const backend = newBackend({ durability: "os", fileSystem: watched(({ name }) => void names.push(name)) });
    for (const { act } of scenarios) await act(backend);
    expect(names.filter((name) => name.endsWith("sync") || name === "syncDirectory")).toEqual([]);
  });

  it('with "sync" an acknowledged write was flushed, and so was its name', async () => {
    const names: string[] = [];
    const whole = newBackend({ durability: "os" });
    // The state after a process was killed before its flushes.
    await whole.append(ID, [record(0)], { operationId: "op" });
    const backend = another(whole, { durability: "sync", fileSystem: watched(({ name }) => void names.push(name)) });
    await backend.append(ID, [record(0)], { operationId: "op" });
    expect(names).toEqual(expect.arrayContaining(["file.sync", "syncDirectory"]));
    names.length = 0;
    await backend.append(ID, [record(1)]);
    expect(names.filter((name) => name.toLowerCase().includes("sync"))).toEqual(["file.sync"]);
    expect(names.lastIndexOf("file.sync")).toBeGreaterThan(names.lastIndexOf("file.write"));
  });
});

/** A disk whose process is killed at its n-th call: no call is made from then on. */
function killedAt(step: number, after: boolean): { decide: Parameters<typeof watched>[0]; dead: () => boolean } {
  let made = 0;
  return {
    decide: () => {
      const call = made++;
      if (call < step) return undefined;
      return { error: systemError("EIO"), after: after && call === step };
    },
    dead: () => made > step,
  };
}

describe("after a process is killed at any step, the next one can go on", () => {
  it.each(scenarios)("$name", async (scenario) => {
    const calls = await callsOf(scenario);
    for (let step = 0; step < calls.length; step++) {
      for (const after of [false, true]) {
        const { decide, dead } = killedAt(step, after);
        const backend = await start(scenario, decide);
        const acknowledged = await scenario.act(backend).then(
          () => true,
          () => false,
        );
        expect(dead()).toBe(true);
        const what = `killed ${after ? "after" : "before"} call ${step}, ${calls[step]?.name}`;
        const fresh = another(backend);
        const now = await fresh.load(ID);
        expect([what, statesOf(scenario)]).toEqual([what, expect.arrayContaining([JSON.stringify(now)])]);
        if (acknowledged) expect([what, now]).toEqual([what, scenario.after]);
        expect([what, await fresh.list()]).toEqual([what, now === null ? [] : [ID]]);

        await scenario.act(fresh);
        expect([what, await another(backend).load(ID)]).toEqual([what, scenario.after]);
        // A day later no file is left over, and deleted records do not come back.
        age(backend);
        expect([what, await another(backend).list()]).toEqual([what, scenario.after === null ? [] : [ID]]);
        expect([what, await another(backend).load(ID)]).toEqual([what, scenario.after]);
        expect([what, filesOf(backend).length]).toEqual([what, scenario.after === null ? 0 : 1]);
        if (scenario.after === null) expect(contentOf(backend).includes(CANARY)).toBe(false);
      }
    }
    expect(calls.length).toBeGreaterThan(8);
  });

  it("a delete then removes the file that a killed writer was about to publish", async () => {
    const { decide } = killedAt(
      (await callsOf(scenarios[0] as Scenario)).findIndex(({ name }) => name === "link"),
      true,
    );
    const backend = await start(scenarios[0] as Scenario, decide);
    await rejectionOf((scenarios[0] as Scenario).act(backend));
    expect(filesOf(backend).some((name) => name.endsWith(".tmp"))).toBe(true);
    await another(backend).delete(ID);
    expect(contentOf(backend).includes(CANARY)).toBe(false);
    expect(filesOf(backend)).toEqual([`${ID}.2.jsonl`]);
  });

  it("and a writer whose unpublished file was removed by a delete begins again", async () => {
    const whole = newBackend();
    let deletes = 0;
    const backend = another(whole, {
      fileSystem: watched(async ({ name }) => {
        if (name === "link" && deletes++ === 0) await whole.delete(ID);
        return undefined;
      }),
    });
    await backend.append(ID, [record(1)], { since: null, expectedRevision: null });
    expect(await whole.load(ID)).toEqual([record(1)]);
    expect(deletes).toBe(2);
  });
});

const YESTERDAY = Date.now() / 1000 - 25 * 3600;

/** Makes every file in the directory a day older. */
function age(backend: { directory: string }): void {
  for (const name of filesOf(backend)) utimesSync(pathOf(backend, name), YESTERDAY, YESTERDAY);
}

describe("a file that is not needed any more is swept when it is a day old", () => {
  async function deleted(): Promise<FileBackend<Note>> {
    const backend = newBackend({ durability: "sync" });
    await backend.append(ID, [record(0)]);
    await backend.delete(ID);
    return backend;
  }

  it("by list or recent, and not earlier", async () => {
    for (const look of [(one: FileBackend<Note>) => one.list(), (one: FileBackend<Note>) => one.recent({ limit: 9 })]) {
      const backend = await deleted();
      await backend.append("bob", [record(0)]);
      writeFileSync(pathOf(backend, temporaryName(ID)), "half a file");
      await look(backend);
      expect(filesOf(backend)).toHaveLength(3);
      age(backend);
      await look(another(backend));
      expect(filesOf(backend)).toEqual(["bob.1.jsonl"]);
      expect(await another(backend).load("bob")).toEqual([record(0)]);
    }
  });

  it("and a backend that knew the file can make the memory again", async () => {
    const backend = await deleted();
    expect(await backend.load(ID)).toBeNull();
    age(backend);
    await another(backend).list();
    await backend.append(ID, [record(1)], { since: null });
    expect(filesOf(backend)).toEqual([`${ID}.1.jsonl`]);
    expect(await another(backend).load(ID)).toEqual([record(1)]);
  });

  it("but a file that a killed delete left does not come back with it", async () => {
    const backend = await deleted();
    writeFileSync(pathOf(backend, `${ID}.1.jsonl`), readFileSync(pathOf(backend, `${ID}.2.jsonl`)));
    await backend.append("bob", [record(7)]);
    const old = readFileSync(pathOf(backend, "bob.1.jsonl")).toString().replace(/bob/g, ID);
    expect(old).toContain(CANARY);
    writeFileSync(pathOf(backend, `${ID}.1.jsonl`), old);
    await another(backend).list();
    expect(filesOf(backend)).toEqual(["bob.1.jsonl", `${ID}.2.jsonl`]);
    age(backend);
    expect(await another(backend).list()).toEqual(["bob"]);
  });

  it("an append between any two steps of the sweep is not lost", async () => {
    const counted = await deleted();
    age(counted);
    let steps = 0;
    await another(counted, { fileSystem: watched(() => void steps++) }).list();
    expect(filesOf(counted)).toEqual([]);
    expect(steps).toBeGreaterThan(8);
    for (let step = 0; step < steps; step++) {
      for (const knows of [true, false]) {
        const backend = await deleted();
        if (knows) await backend.load(ID);
        const writer = knows ? backend : another(backend);
        age(backend);
        let made = 0;
        const sweeper = another(backend, {
          durability: "sync",
          fileSystem: watched(async () => {
            if (made++ === step) await writer.append(ID, [record(1)], { since: null });
            return undefined;
          }),
        });
        await sweeper.list();
        expect([step, await another(backend).load(ID)]).toEqual([step, [record(1)]]);
        expect([step, await writer.load(ID)]).toEqual([step, [record(1)]]);
        expect(filesOf(backend)).toHaveLength(1);
      }
    }
  });

  it("nor is an append with the sweep between any two of its own steps", async () => {
    const counted = await deleted();
    let steps = 0;
    await another(counted, { fileSystem: watched(() => void steps++) }).append(ID, [record(1)]);
    for (let step = 0; step < steps; step++) {
      const backend = await deleted();
      age(backend);
      let made = 0;
      const writer = another(backend, {
        fileSystem: watched(async () => {
          if (made++ === step) await another(backend).list();
          return undefined;
        }),
      });
      await writer.append(ID, [record(1)], { since: null });
      expect([step, await another(backend).load(ID)]).toEqual([step, [record(1)]]);
    }
  });

  it("a sweep that is killed at any step brings nothing back and loses nothing", async () => {
    const counted = await deleted();
    age(counted);
    let steps = 0;
    await another(counted, { durability: "sync", fileSystem: watched(() => void steps++) }).list();
    for (let step = 0; step < steps; step++) {
      const backend = await deleted();
      age(backend);
      await rejectionOf(another(backend, { fileSystem: watched(killedAt(step, step % 2 === 0).decide) }).list());
      expect([step, await another(backend).load(ID)]).toEqual([step, null]);
      await another(backend).append(ID, [record(1)], { since: null, expectedRevision: null });
      expect([step, await another(backend).list()]).toEqual([step, [ID]]);
      expect([step, await another(backend).load(ID)]).toEqual([step, [record(1)]]);
    }
  });
});

describe("reads that fail reject", () => {
  it.each(["load", "info", "list", "recent", "ping"] as const)("%s, at any of its calls", async (method) => {
    const whole = newBackend();
    await whole.append(ID, [record(0)]);
    await whole.delete(ID);
    await whole.append(ID, [record(0)]);
    const run = (one: FileBackend<Note>): Promise<unknown> => {
      switch (method) {
        case "list":
          return one.list();
        case "recent":
          return one.recent({ limit: 1 });
        case "ping":
          return one.ping();
        default:
          return one[method](ID);
      }
    };
    let calls = 0;
    await run(another(whole, { fileSystem: watched(() => void calls++) }));
    expect(calls).toBeGreaterThan(3);
    for (let step = 0; step < calls; step++) {
      let made = 0;
      const backend = another(whole, {
        fileSystem: watched(() => (made++ === step ? { error: systemError("EIO") } : undefined)),
      });
      await expect(run(backend)).rejects.toMatchObject({
        code: "UNAVAILABLE",
        outcome: "not-applied",
        retryable: true,
        backend: "file",
      });
      await run(backend);
    }
    expect(await whole.load(ID)).toEqual([record(0)]);
  });

  it("and an incomplete copy of a damaged line is not kept", async () => {
    const whole = newBackend();
    await whole.append(ID, [record(0)]);

    const bytes = readFileSync(pathOf(whole, `${ID}.1.jsonl`));
    bytes[bytes.indexOf("canary")] = 120;
    writeFileSync(pathOf(whole, `${ID}.1.jsonl`), bytes);
    const backend = another(whole, {
      onCorrupt: "skip",
      fileSystem: watched(({ name }) => (name === "file.write" ? { cutTo: 5 } : undefined)),
    });
    await expect(backend.load(ID)).rejects.toMatchObject({ code: "CAPACITY" });
    expect(filesOf(backend)).toEqual([`${ID}.1.jsonl`]);
  });
});
