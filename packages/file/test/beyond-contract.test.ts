import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Capability, supports } from "@deep-agent/core";
import { capabilityMethods } from "@deep-agent/core/adapter";
import { beforeEach, describe, expect, it } from "@jest/globals";
import { nodeFileSystem } from "../src/file-system.ts";
import { FileBackend } from "../src/index.ts";
import { MAX_APPEND_BYTES } from "../src/log-writing.ts";
import {
  another,
  contentOf,
  filesOf,
  type Note,
  newBackend,
  notes,
  pathOf,
  rejectionOf,
  temporaryDirectory,
} from "./support/backends.ts";

/*
 * What the adapter promises beyond the contract, which the kit tests (conformance.test.ts): its capabilities, the files
 * in the directory, and how calls wait.
 */

const ID = "user-alice";

let backend: FileBackend<Note>;
beforeEach(() => {
  backend = newBackend();
});

function bytesOf(name = `${ID}.1.jsonl`): Buffer {
  return readFileSync(pathOf(backend, name));
}

describe("it has every capability but expiry", () => {
  it.each(Object.keys(capabilityMethods) as Capability[])("%s", (capability) => {
    expect(supports(backend, capability)).toBe(capability !== "expiry");
  });
});

describe("a call that only reads, or is refused, writes nothing", () => {
  it("an absent memory is null, and reading it makes no directory", async () => {
    expect(await backend.load(ID)).toBeNull();
    expect(await backend.read(ID, { last: 1 })).toBeNull();
    expect(await backend.read(ID, { since: "x.1.00000000" })).toBeNull();
    expect(await backend.info(ID)).toBeNull();
    expect(await backend.list()).toEqual([]);
    expect(await backend.recent({ limit: 1 })).toEqual({ memories: [], cursor: null });
    await backend.delete(ID);
    expect(existsSync(backend.directory)).toBe(false);
  });

  it("nor does an invalid id", async () => {
    for (const bad of ["", "a\ud800", "x".repeat(1025)]) {
      await expect(backend.append(bad, notes(0, 1))).rejects.toMatchObject({ code: "INVALID_MEMORY_ID" });
    }
    expect(existsSync(backend.directory)).toBe(false);
  });

  it("nor do records that are too large", async () => {
    const large = { n: 1, text: "x".repeat(MAX_APPEND_BYTES - 100) };
    const error = await rejectionOf(backend.append(ID, [large, { n: 2, text: "the canary ".repeat(20) }]));
    expect(error).toMatchObject({ code: "RECORD_TOO_LARGE", outcome: "not-applied", retryable: false, memoryId: ID });
    expect(String(error)).not.toContain("canary");
    expect(await backend.load(ID)).toBeNull();
    await backend.append(ID, [large]);
    await backend.append(ID, notes(2, 1));
    expect((await backend.load(ID))?.[0]?.text?.length).toBe(large.text.length);
    expect((await backend.read(ID, { last: 1 }))?.records).toEqual(notes(2, 1));
  });
});

describe("damage is reported", () => {
  it("a stored __proto__ is CORRUPT, and the message says where", async () => {
    await backend.append(ID, notes(0, 1));
    const { encodeLine } = await import("../src/line.ts");
    const { size } = statSync(pathOf(backend, `${ID}.1.jsonl`));
    const line = encodeLine("entry", size, '{"t":"x","at":1,"r":[{"__proto__":{"canary":1}}]}');
    writeFileSync(pathOf(backend, `${ID}.1.jsonl`), line, { flag: "a" });
    const error = await rejectionOf(backend.load(ID));
    expect(error).toMatchObject({ code: "CORRUPT" });
    expect(String(error)).toContain(`byte ${size} of ${pathOf(backend, `${ID}.1.jsonl`)} (memory "user-alice")`);
    expect(String(error)).not.toContain("canary");
  });
});

describe("every file is in the directory", () => {
  it("whatever the id", async () => {
    const ids = ["../../etc/passwd", "/etc/passwd", "..", "a\\b", "\0", "x".repeat(1024), "CON", ".tmp", "a.1.jsonl"];
    for (const id of ids) await backend.append(id, notes(0, 1));
    expect(filesOf(backend)).toHaveLength(ids.length);
    expect(filesOf({ directory: join(backend.directory, "..") })).toEqual(["memories"]);
  });

  it("and other files in the directory are not touched", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "folder"));
    writeFileSync(join(directory, "notes.txt"), "mine");
    const one = new FileBackend<Note>(directory);
    await one.append(ID, notes(0, 1));
    await one.delete(ID);
    expect(filesOf(one)).toEqual(["folder", "notes.txt", "user-alice.2.jsonl"]);
  });
});

describe("a delete leaves nothing", () => {
  it("of the memory's content in any file, and an absent memory is not an error", async () => {
    await backend.append(ID, [{ n: 1, text: "the canary" }]);
    await backend.save(ID, [{ n: 2, text: "the canary" }]);
    await backend.append("bob", notes(0, 1));
    expect(contentOf(backend).includes("canary")).toBe(true);
    await backend.delete(ID);
    await backend.delete(ID);
    expect(contentOf(backend).includes("canary")).toBe(false);
    expect(await backend.load(ID)).toBeNull();
    expect(await backend.list()).toEqual(["bob"]);
    expect(await backend.load("bob")).toEqual(notes(0, 1));
    expect(filesOf(backend)).toEqual(["bob.1.jsonl", "user-alice.2.jsonl"]);
  });

  it("except files of other programs in that directory", async () => {
    await backend.append(ID, notes(0, 1));
    const foreign = [
      "user-alice.tmp",
      "user-alice.notes.tmp",
      "user-alice.old.corrupt",
      "user-alice.txt",
      "%ff.1.jsonl",
      "README",
    ];
    for (const name of foreign) writeFileSync(pathOf(backend, name), "mine");
    await backend.delete(ID);
    await backend.list();
    expect(filesOf(backend)).toEqual([...foreign, "user-alice.2.jsonl"].sort());
  });

  it("and a memory made after it is a new one, to which no earlier revision belongs", async () => {
    const first = await backend.append(ID, notes(0, 1));
    await backend.delete(ID);
    await expect(backend.append(ID, notes(1, 1), { since: first })).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(backend.append(ID, notes(1, 1), { expectedRevision: first })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    expect(await backend.load(ID)).toBeNull();
    await backend.append(ID, notes(2, 1), { since: null, expectedRevision: null });
    expect(await backend.read(ID, { since: first })).toMatchObject({
      records: notes(2, 1),
      reset: true,
      regressed: false,
    });
    for (let round = 0; round < 3; round++) {
      await backend.delete(ID);
      await backend.append(ID, notes(round, 1));
      expect(await another(backend).load(ID)).toEqual(notes(round, 1));
    }
    expect(filesOf(backend)).toEqual(["user-alice.5.jsonl"]);
  });
});

describe("a call that waits", () => {
  it("is waited for by close", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const slow = newBackend({
      fileSystem: { ...nodeFileSystem, link: (from, to) => gate.then(() => nodeFileSystem.link(from, to)) },
    });
    const settled: string[] = [];
    const append = slow.append(ID, notes(0, 1)).then(() => settled.push("append"));
    const close = slow.close().then(() => settled.push("close"));
    await new Promise(setImmediate);
    expect(settled).toEqual([]);
    open();
    await Promise.all([append, close]);
    expect(settled).toEqual(["append", "close"]);
    expect(await another(slow).load(ID)).toEqual(notes(0, 1));
  });

  it("for another write can be aborted, and writes nothing", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const slow = newBackend({
      fileSystem: { ...nodeFileSystem, link: (from, to) => gate.then(() => nodeFileSystem.link(from, to)) },
    });
    const controller = new AbortController();
    const first = slow.append(ID, notes(0, 1));
    const second = slow.append(ID, notes(1, 1), { signal: controller.signal });
    const reason = new Error("the user left");
    controller.abort(reason);
    await expect(second).rejects.toBe(reason);
    open();
    await first;
    expect(await slow.load(ID)).toEqual(notes(0, 1));
  });
});

describe("it gives facts about a memory", () => {
  it("its size and its times", async () => {
    const started = Date.now();
    await backend.append(ID, notes(0, 3));
    const first = await backend.info(ID);
    expect(first).toMatchObject({ records: 3, bytes: bytesOf().length, expiresAt: null });
    expect(first?.createdAt).toBeGreaterThanOrEqual(started - 2);
    expect(first?.updatedAt).toBe(first?.createdAt);
    await backend.save(ID, notes(0, 5));
    await backend.append(ID, notes(5, 2));
    const later = await backend.info(ID);
    expect(later).toMatchObject({ records: 7, bytes: bytesOf().length, createdAt: first?.createdAt });
    expect(later?.updatedAt).toBeGreaterThanOrEqual(first?.updatedAt ?? Number.NaN);
  });

  it("and answers a ping, which leaves no file", async () => {
    const { latencyMs } = await backend.ping();
    expect(latencyMs).toBeGreaterThan(0);
    expect(filesOf(backend)).toEqual([]);
  });
});
