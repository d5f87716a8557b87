import { assistant, Conversation, MemoryError, type Message, user } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import type { FileSystem } from "../src/file-system.ts";
import { FileBackend } from "../src/index.ts";
import { MemoryDisk } from "./support/model/memory-disk.ts";
import { DIRECTORY } from "./support/model/schedule.ts";

/*
 * The shortest known schedules in which a turn was once lost, doubled or mistaken for lost. They were found by the
 * model (model-check.test.ts), or by the earlier model of the design.
 */

const ID = "m";

function turn(text: string): Message[] {
  return [user(text), assistant(`re: ${text}`)];
}

function texts(messages: readonly Message[] | null): unknown[] | undefined {
  return messages?.filter(({ role }) => role === "user").map(({ content }) => content);
}

function backendOn(disk: FileSystem): FileBackend {
  return new FileBackend({ directory: DIRECTORY, fileSystem: disk });
}

/** The disk, with some calls replaced. */
function altered(disk: MemoryDisk, changes: Partial<FileSystem>): FileSystem {
  return {
    open: (path, flags) => disk.open(path, flags),
    link: (existing, path) => disk.link(existing, path),
    unlink: (path) => disk.unlink(path),
    stat: (path) => disk.stat(path),
    readdir: (path) => disk.readdir(path),
    mkdir: () => disk.mkdir(),
    syncDirectory: () => disk.syncDirectory(),
    ...changes,
  };
}

/** A backend that loses the answer to the next append. */
function losingAnswer(disk: MemoryDisk): FileBackend {
  const backend = backendOn(disk);
  const append = backend.append.bind(backend);
  let lost = false;
  backend.append = async (...call) => {
    const revision = await append(...call);
    if (lost) return revision;
    lost = true;
    throw new MemoryError("UNAVAILABLE", "The answer is lost.", { outcome: "unknown", retryable: true });
  };
  return backend;
}

function setUp() {
  const disk = new MemoryDisk(DIRECTORY);
  let regressions = 0;
  const converse = (backend: FileBackend, maxMessages = Number.POSITIVE_INFINITY): Conversation =>
    new Conversation({ memoryId: ID, backend, maxMessages, onRegression: () => (regressions += 1) });
  return { disk, others: backendOn(disk), converse, regressions: () => regressions };
}

describe("a turn whose answer was lost", () => {
  it.each([true, false])(
    "is not doubled where another has saved it meanwhile (memory looked for before: %s)",
    async (synced) => {
      const { disk, others, converse } = setUp();
      const conversation = converse(losingAnswer(disk));
      if (synced) await conversation.sync();
      await expect(conversation.commit(turn("ours"))).rejects.toMatchObject({ outcome: "unknown" });
      await others.save(ID, [...((await others.load(ID)) ?? []), ...turn("theirs")]);
      await conversation.flush();
      expect(conversation.pending).toBe(0);
      expect(texts(await others.load(ID))).toEqual(["ours", "theirs"]);
      expect(texts(await conversation.sync())).toEqual(["ours", "theirs"]);
    },
  );

  it("is found in the save of another process, however many records follow it", async () => {
    const { disk, others, converse } = setUp();
    const conversation = converse(losingAnswer(disk));
    await conversation.sync();
    await expect(conversation.commit(turn("ours"))).rejects.toMatchObject({ outcome: "unknown" });
    const later = Array.from({ length: 600 }, (_, index) => user(`later ${index}`));
    await others.save(ID, [...((await others.load(ID)) ?? []), ...later]);
    await conversation.flush();
    expect(texts(await others.load(ID))).toEqual(["ours", ...later.map(({ content }) => content)]);
  });

  it("is not a regression if it stands before records that were read since", async () => {
    const { disk, others, converse, regressions } = setUp();
    const conversation = converse(losingAnswer(disk), 2);
    await conversation.sync();
    await expect(conversation.commit(turn("ours"))).rejects.toMatchObject({ outcome: "unknown" });
    for (const text of ["one", "two"]) await others.append(ID, turn(text));
    await conversation.sync();
    await conversation.flush();
    expect(texts(await conversation.sync())).toEqual(["two"]);
    expect(regressions()).toBe(0);
    expect(texts(await others.load(ID))).toEqual(["ours", "one", "two"]);
  });
});

describe("a rollback to an earlier state", () => {
  it("is noticed by a reader that knew more, although others had deleted the memory in between", async () => {
    const { disk, others, converse, regressions } = setUp();
    const conversation = converse(backendOn(disk));
    await conversation.sync();
    await conversation.commit(turn("deleted"));
    await others.delete(ID);
    await conversation.commit(turn("kept"));
    const backup = disk.snapshot();
    await conversation.commit(turn("lost"));
    disk.restore(backup);
    await conversation.commit(turn("new"));
    expect(texts(await conversation.sync())).toEqual(["kept", "new"]);
    expect(regressions()).toBe(1);
  });
});

describe("a memory that is deleted twice between two checks of a writer", () => {
  it("does not lose the turn that the writer is about to acknowledge", async () => {
    const { disk, others, converse } = setUp();
    await others.append(ID, turn("before"));
    let written = false;
    const deletedTwice = async (): Promise<void> => {
      await others.delete(ID);
      await others.append(ID, turn("between"));
      await others.delete(ID);
    };
    const writer = altered(disk, {
      async open(path, flags) {
        const file = await disk.open(path, flags);
        const write = (bytes: Buffer): Promise<number> => {
          written = true;
          return file.write(bytes);
        };
        return { ...file, write };
      },
      async stat(path) {
        if (written && path.endsWith(".2.jsonl")) {
          written = false;
          await deletedTwice();
        }
        return disk.stat(path);
      },
    });
    const conversation = converse(backendOn(writer));
    await conversation.sync();
    await conversation.commit(turn("ours"));
    expect(texts(await others.load(ID))).toEqual(["ours"]);
  });
});

describe("a file that a delete has left", () => {
  it("may be swept by two processes at once, while a third one reads", async () => {
    const { disk, others } = setUp();
    await others.append(ID, turn("before"));
    await others.delete(ID);
    disk.age();
    const both = Promise.withResolvers<void>();
    let seals = 0;
    const reads: (Message[] | null)[] = [];
    const sweeper = altered(disk, {
      async open(path, flags) {
        const file = await disk.open(path, flags);
        const write = async (bytes: Buffer): Promise<number> => {
          if (++seals === 2) both.resolve();
          await both.promise;
          return file.write(bytes);
        };
        return { ...file, write };
      },
      async unlink(path) {
        reads.push(await others.load(ID));
        return disk.unlink(path);
      },
    });
    await Promise.all([backendOn(sweeper).list(), backendOn(sweeper).list()]);
    expect(reads).toEqual([null]);
    expect(disk.names).toEqual([]);
  });
});

describe("a memory that was published, but could not be checked afterwards", () => {
  it("is not reported as unwritten", async () => {
    const { disk, others } = setUp();
    let published = false;
    const failing = altered(disk, {
      async link(existing, path) {
        await disk.link(existing, path);
        published = true;
      },
      async readdir(path) {
        if (published) throw Object.assign(new Error("EIO"), { code: "EIO" });
        return disk.readdir(path);
      },
    });
    await expect(backendOn(failing).append(ID, turn("ours"))).rejects.toMatchObject({
      code: "UNAVAILABLE",
      outcome: "unknown",
    });
    expect(texts(await others.load(ID))).toEqual(["ours"]);
  });
});
