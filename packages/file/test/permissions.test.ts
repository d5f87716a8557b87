import { execFile, execFileSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BackendEvent } from "@deep-agent/core";
import { afterEach, describe, expect, it } from "@jest/globals";
import { FileBackend } from "../src/index.ts";
import { type Note, notes, rejectionOf, temporaryDirectory } from "./support/backends.ts";

const ID = "user-alice";
const WORKER = join(__dirname, "workers", "permissions.worker.ts");
const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;

interface Answer {
  result?: unknown;
  error?: { code: string; outcome: string; retryable: boolean; memoryId?: string; message: string; hint: string };
}

async function inChild(directory: string, method: string, { umask = "22", uid = "-" } = {}): Promise<Answer> {
  const { stdout } = await promisify(execFile)(process.execPath, [WORKER, directory, umask, uid, method]);
  return JSON.parse(stdout) as Answer; // what the worker prints
}

/** Runs a command of the machine. */
function system(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: "pipe" });
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

/** Whether a test that needs another user can run. If not, says so. */
function canBecomeNobody(what: string): boolean {
  if (!isRoot) console.info(`Not tested, because only root can become another user: ${what}.`);
  return isRoot;
}

/** A directory that belongs to the user `nobody`, in a directory that this user can enter. */
function nobodysDirectory(): string {
  const top = temporaryDirectory();
  chmodSync(top, 0o755);
  const directory = join(top, "memories");
  mkdirSync(directory);
  chownSync(directory, NOBODY, NOBODY);
  return directory;
}

describe("the files are private to the user", () => {
  it.each(["0", "22", "777"])("under umask %s", async (umask) => {
    const directory = join(temporaryDirectory(), "a", "b");
    const uid = canBecomeNobody("a umask that takes the user's own rights") ? String(NOBODY) : "-";
    if (isRoot) chownSync(join(directory, "..", ".."), NOBODY, NOBODY);
    for (let write = 0; write < 2; write++)
      expect(await inChild(directory, "append", { umask, uid })).toEqual({ result: expect.any(String) });
    expect([modeOf(join(directory, "..")), modeOf(directory)]).toEqual(["700", "700"]);
    expect(readdirSync(directory).map((name) => [name, modeOf(join(directory, name))])).toEqual([
      [`${ID}.1.jsonl`, "600"],
    ]);
    await inChild(directory, "delete", { umask, uid });
    expect(readdirSync(directory).map((name) => [name, modeOf(join(directory, name))])).toEqual([
      [`${ID}.2.jsonl`, "600"],
    ]);
  });

  it("and an existing directory keeps its rights", async () => {
    const directory = temporaryDirectory();
    chmodSync(directory, 0o750);
    await new FileBackend<Note>(directory).append(ID, notes(0, 1));
    expect(modeOf(directory)).toBe("750");
  });
});

describe("missing rights are reported as UNAUTHORIZED", () => {
  const unauthorized = (directory: string): unknown => ({
    error: {
      code: "UNAUTHORIZED",
      outcome: "not-applied",
      retryable: false,
      memoryId: ID,
      message: expect.stringMatching(
        new RegExp(`memory "${ID}" \\(${directory}.*\\): E(ACCES|PERM)\\. .*right to read and write`),
      ),
      hint: expect.stringContaining("right to read and write"),
    },
  });

  it("by a directory that cannot be made", async () => {
    if (!canBecomeNobody("a directory that cannot be made")) return;
    const top = temporaryDirectory(); // only root may enter it
    chmodSync(top, 0o755);
    const directory = join(top, "memories");
    expect(await inChild(directory, "append", { uid: String(NOBODY) })).toEqual(unauthorized(directory));
    expect(existsSync(directory)).toBe(false);
    expect(await inChild(directory, "load", { uid: String(NOBODY) })).toEqual({ result: null });
  });

  it("by a directory that cannot be written to, whose files can be read and written to", async () => {
    if (!canBecomeNobody("a directory that cannot be written to")) return;
    const directory = nobodysDirectory();
    chmodSync(directory, 0o500);
    expect(await inChild(directory, "append", { uid: String(NOBODY) })).toEqual(unauthorized(directory));
    expect(readdirSync(directory)).toEqual([]);
    chmodSync(directory, 0o700);
    await inChild(directory, "append", { uid: String(NOBODY) });
    chmodSync(directory, 0o500);
    expect(await inChild(directory, "load", { uid: String(NOBODY) })).toEqual({ result: [{ text: "the canary" }] });
    expect(await inChild(directory, "list", { uid: String(NOBODY) })).toEqual({ result: [ID] });
    expect(await inChild(directory, "append", { uid: String(NOBODY) })).toEqual({ result: expect.any(String) });
    expect(await inChild(directory, "delete", { uid: String(NOBODY) })).toMatchObject({
      error: { code: "UNAUTHORIZED" },
    });
    expect(await inChild(directory, "load", { uid: String(NOBODY) })).toEqual({
      result: [{ text: "the canary" }, { text: "the canary" }],
    });
  });

  it("by a file that cannot be read, and by a directory", async () => {
    if (!canBecomeNobody("a file that cannot be read")) return;
    const directory = nobodysDirectory();
    await inChild(directory, "append", { uid: String(NOBODY) });
    chmodSync(join(directory, `${ID}.1.jsonl`), 0o000);
    for (const method of ["load", "append"])
      expect(await inChild(directory, method, { uid: String(NOBODY) })).toEqual(unauthorized(directory));
    chmodSync(directory, 0o000);
    expect(await inChild(directory, "load", { uid: String(NOBODY) })).toEqual(unauthorized(directory));
    expect(await inChild(directory, "list", { uid: String(NOBODY) })).toMatchObject({
      error: { code: "UNAUTHORIZED" },
    });
  });

  it("and a directory that has become a file, too", async () => {
    const directory = join(temporaryDirectory(), "memories");
    const backend = new FileBackend<Note>(directory);
    await backend.append(ID, notes(0, 1));
    renameSync(directory, `${directory}.away`);
    writeFileSync(directory, "mine");
    for (const call of [
      () => backend.load(ID),
      () => backend.append(ID, notes(1, 1)),
      () => backend.append("bob", notes(1, 1)),
      () => backend.list(),
      () => backend.ping(),
    ]) {
      expect(await rejectionOf(call())).toMatchObject({
        code: "UNAVAILABLE",
        outcome: "not-applied",
        retryable: false,
        message: expect.stringContaining(directory),
        hint: expect.stringContaining("Choose a directory"),
      });
    }
  });
});

describe("a full disk takes nothing away", () => {
  let mounted: string | undefined;
  afterEach(() => {
    if (mounted === undefined) return;
    system("umount", mounted);
    rmdirSync(mounted);
    mounted = undefined;
  });

  /** A disk of 64 KB; `undefined`: this machine cannot mount one. */
  function smallDisk(): string | undefined {
    const place = join(temporaryDirectory(), "disk");
    mkdirSync(place);
    try {
      system("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place);
    } catch (error) {
      console.info(`Not tested, because no small disk can be mounted here: ${String(error).split("\n")[0]}`);
      return undefined;
    }
    mounted = place;
    return place;
  }

  it("and once there is room again, each turn is stored once", async () => {
    const disk = smallDisk();
    if (disk === undefined) return;
    const backend = new FileBackend<Note>(join(disk, "memories"));
    const turn = (n: number): Note[] => [{ n, text: `the canary ${"x".repeat(3000)}` }];
    const stored: Note[] = [];
    let error: unknown;
    for (let n = 0; error === undefined && n < 1000; n++) {
      await backend.append(ID, turn(n), { operationId: `turn-${n}` }).then(
        () => stored.push(...turn(n)),
        (reason: unknown) => {
          error = reason;
        },
      );
    }
    expect(error).toMatchObject({ code: "CAPACITY", outcome: "not-applied", retryable: true, memoryId: ID });
    expect(String(error)).not.toContain("canary");
    expect(stored.length).toBeGreaterThan(10);
    expect(await backend.load(ID)).toEqual(stored);
    await expect(backend.save("bob", [...turn(0), ...turn(1)])).rejects.toMatchObject({
      code: "CAPACITY",
      outcome: "not-applied",
    });
    await expect(
      backend.append(ID, turn(stored.length), { operationId: `turn-${stored.length}` }),
    ).rejects.toMatchObject({ code: "CAPACITY" });
    expect(await new FileBackend<Note>(backend.directory).load(ID)).toEqual(stored);
    expect(await backend.list()).toEqual([ID]);

    system("mount", "-o", "remount,size=1m", disk);
    for (let retry = 0; retry < 2; retry++)
      await backend.append(ID, turn(stored.length), { operationId: `turn-${stored.length}` });
    expect(await backend.load(ID)).toEqual([...stored, ...turn(stored.length)]);
  });
});

describe("an existing directory that everyone may write to", () => {
  async function warningsOf(
    directory: string,
    use: (backend: FileBackend<Note>) => Promise<unknown>,
  ): Promise<string[]> {
    const details: string[] = [];
    const listener = (event: unknown): void => {
      const { type, detail } = event as BackendEvent & { detail?: string };
      if (type === "warning") details.push(detail ?? "");
    };
    subscribe("deep-agent:backend", listener);
    try {
      await use(new FileBackend<Note>(directory));
    } finally {
      unsubscribe("deep-agent:backend", listener);
    }
    return details;
  }

  function directoryOf(mode: number): string {
    const directory = temporaryDirectory();
    chmodSync(directory, mode);
    return directory;
  }

  it.each([
    [0o777, "777"],
    [0o1777, "1777"],
    [0o702, "702"],
  ])("is used with a warning, once for each backend: mode %o", async (mode, shown) => {
    const directory = directoryOf(mode);
    const use = async (backend: FileBackend<Note>): Promise<void> => {
      await Promise.all([backend.load(ID), backend.list(), backend.append(ID, notes(0, 1))]);
      await backend.append(ID, notes(1, 1));
      await backend.ping();
    };
    const warning = expect.stringContaining(`${directory} (mode ${shown})`);
    expect(await warningsOf(directory, use)).toEqual([warning]);
    expect(await warningsOf(directory, (backend) => backend.load(ID))).toEqual([warning]);
    expect(await new FileBackend<Note>(directory).load(ID)).toHaveLength(2);
  });

  it.each([0o700, 0o750, 0o770, 0o2770, 0o775])(
    "is not one that only the user and its group may write to: mode %o",
    async (mode) => {
      expect(await warningsOf(directoryOf(mode), (backend) => backend.append(ID, notes(0, 1)))).toEqual([]);
    },
  );

  it("is not one that the backend made", async () => {
    const directory = join(temporaryDirectory(), "memories");
    const use = async (backend: FileBackend<Note>): Promise<void> => {
      await backend.list(); // there is no directory yet
      await backend.append(ID, notes(0, 1));
      await backend.append(ID, notes(1, 1));
    };
    expect(await warningsOf(directory, use)).toEqual([]);
  });

  it("is reported to the first who listens", async () => {
    const directory = directoryOf(0o777);
    const backend = new FileBackend<Note>(directory);
    await backend.list();
    const late = async (): Promise<unknown> => backend.list();
    expect(await warningsOf(directory, late)).toHaveLength(1);
  });
});
