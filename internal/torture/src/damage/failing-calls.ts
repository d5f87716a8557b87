import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryError, type MemoryErrorCode } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";
import type { Random } from "../random.ts";
import { newTally, type Tally } from "../tally.ts";
import { type Failure, failingDisk, type writingCalls } from "./failing-disk.ts";
import { wrongness } from "./finding.ts";
import { entryOf, type Note } from "./sample.ts";

/** A write to a memory in a given state. A repeated write is the same operation. */
interface Write {
  name: string;
  prepare(backend: FileBackend<Note>): Promise<unknown>;
  write(backend: FileBackend<Note>): Promise<unknown>;
  before: Note[] | null;
  after: Note[] | null;
}

const MEMORY = "user-alice";

/** More calls than any write makes: the search for the last call of a write ends here. */
const MAX_CALLS = 100;

const codes: Readonly<Record<string, MemoryErrorCode>> = {
  EIO: "UNAVAILABLE",
  ENOSPC: "CAPACITY",
  EACCES: "UNAUTHORIZED",
};

/** Lets each call of each write fail in each way that a disk can, one at a time. Each time checks what is stored. */
export async function failingCalls(random: Random, scale: number, note: (line: string) => void): Promise<Tally> {
  const tally = newTally("damage: the n-th write, flush, link … fails");
  const outcomes: Record<string, number> = {};
  for (const write of writesOf(random)) {
    for (let nth = 0, reached = true; reached; nth++) {
      if (nth > MAX_CALLS) throw new Error(`${write.name} makes more than ${MAX_CALLS} calls.`);
      for (const failure of failures(random)) {
        // Other failures than EIO are left out at random. EIO is always tried, to find the last call of the write.
        if ("code" in failure && failure.code !== "EIO" && !random.chance(scale)) continue;
        const outcome = await attempt(write, nth, failure, tally, note);
        reached = outcome !== "not reached";
        if (!reached) break;
        if (outcome !== "not of that kind") outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }
    }
  }
  const counts = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`);
  note(`${tally.scenario}: ${counts.join(", ")}`);
  return tally;
}

function failures(random: Random): Failure[] {
  return [
    { code: "EIO", after: false },
    { code: "EIO", after: true },
    { code: "ENOSPC", after: false },
    { code: "EACCES", after: false },
    { share: 0 },
    { share: random.next() },
  ];
}

/** Makes the write on a disk that fails once. Resolves to the outcome in the error, or to why there was no error. */
async function attempt(
  { name, prepare, write, before, after }: Write,
  nth: number,
  failure: Failure,
  tally: Tally,
  note: (line: string) => void,
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "deep-agent-torture-"));
  try {
    const whole = (): FileBackend<Note> => new FileBackend<Note>({ directory, durability: "sync" });
    await prepare(whole());
    const made: (typeof writingCalls)[number][] = [];
    const failing = new FileBackend<Note>({ directory, fileSystem: failingDisk(nth, failure, made) });
    const error = await write(failing).then(
      () => undefined,
      (reason: unknown) => reason ?? new Error("The write rejected without a reason."),
    );
    const call = made[nth];
    if (call === undefined) return "not reached";
    if ("share" in failure && call !== "write") return "not of that kind";
    tally.faults += 1;
    const wrong = (column: "lost" | "duplicated" | "torn" | "silentlyWrong", how: string): void => {
      tally[column] += 1;
      note(`${column}: ${name}, call ${nth} (${call}), ${JSON.stringify(failure)}: ${how}`);
    };
    const now = await whole().load(MEMORY);
    const wasWritten = wrongness(now, after) === null;
    const isUntouched = wrongness(now, before) === null;
    if (error === undefined) tally.acknowledged += 1;
    if (error === undefined && isUntouched) wrong("lost", "the write was acknowledged");
    else if (!wasWritten && !isUntouched)
      wrong(wrongness(now, after) ?? "silentlyWrong", "the memory is neither as before the write nor as after it");
    if (error !== undefined) {
      if (!MemoryError.is(error)) throw error;
      const code = "share" in failure ? "CAPACITY" : codes[failure.code];
      if (error.code !== code) wrong("silentlyWrong", `the error's code is ${error.code}, not ${code}`);
      if (error.outcome === "applied" || (error.outcome === "not-applied" && !isUntouched))
        wrong("silentlyWrong", `the error's outcome is ${error.outcome}`);
    }
    // Again, as a process that knows nothing about the first attempt.
    await write(whole());
    tally.acknowledged += 1;
    const column = wrongness(await whole().load(MEMORY), after);
    if (column !== null) wrong(column, "after the write was tried again");
    return error === undefined ? "passed over" : error.outcome;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function writesOf(random: Random): Write[] {
  const old = Array.from({ length: 5 }, (_, entry) => entryOf(entry, random));
  const added = entryOf(10, random);
  const saved = [11, 12].flatMap((entry) => entryOf(entry, random));
  const fill = async (backend: FileBackend<Note>): Promise<void> => {
    for (const entry of old) await backend.append(MEMORY, entry);
  };
  const append = (backend: FileBackend<Note>): Promise<unknown> => backend.append(MEMORY, added, { operationId: "op" });
  return [
    {
      name: "an append that makes the memory",
      prepare: async () => undefined,
      write: append,
      before: null,
      after: added,
    },
    { name: "an append", prepare: fill, write: append, before: old.flat(), after: [...old.flat(), ...added] },
    {
      name: "a save",
      prepare: fill,
      write: (backend) => backend.save(MEMORY, saved, { operationId: "op" }),
      before: old.flat(),
      after: saved,
    },
    {
      name: "an append after a delete",
      prepare: async (backend) => {
        await fill(backend);
        await backend.delete(MEMORY);
      },
      write: append,
      before: null,
      after: added,
    },
    { name: "a delete", prepare: fill, write: (backend) => backend.delete(MEMORY), before: old.flat(), after: null },
  ];
}
