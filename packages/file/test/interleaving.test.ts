import { MemoryError } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import type { FileBackend } from "../src/index.ts";
import { another, type Note, newBackend, rejectionOf } from "./support/backends.ts";
import { systemError, watched } from "./support/watched-file-system.ts";

const ID = "user-alice";

interface Call {
  name: string;
  make: (backend: FileBackend<Note>) => Promise<unknown>;
}

/** Each record names the call that wrote it. */
function callsOf(n: number): Call[] {
  const records = [{ n }, { n: n + 1 }];
  return [
    { name: "append", make: (backend) => backend.append(ID, records) },
    {
      name: "append where nothing is",
      make: (backend) => backend.append(ID, records, { since: null, expectedRevision: null }),
    },
    { name: "save", make: (backend) => backend.save(ID, records) },
    { name: "save where nothing is", make: (backend) => backend.save(ID, records, { expectedRevision: null }) },
    { name: "delete", make: (backend) => backend.delete(ID) },
    { name: "load", make: (backend) => backend.load(ID) },
    { name: "compact", make: (backend) => backend.compact(ID) },
  ];
}

const states: [string, (backend: FileBackend<Note>) => Promise<unknown>, boolean?][] = [
  ["absent", async () => undefined],
  ["deleted", (backend) => backend.append(ID, [{ n: 0 }]).then(() => backend.delete(ID))],
  ["there", (backend) => backend.append(ID, [{ n: 0 }])],
  [
    "half dead",
    async (backend) => {
      await backend.append(ID, [{ n: 0, text: "replaced ".repeat(100) }]);
      await backend.save(ID, [{ n: 2 }]);
    },
    true,
  ],
  [
    "sealed",
    async (backend) => {
      await backend.append(ID, [{ n: 0, text: "replaced ".repeat(100) }]);
      await backend.save(ID, [{ n: 2 }]);
      const sealer = another(backend, {
        fileSystem: watched(({ name }) => (name === "link" ? { error: systemError("EIO") } : undefined)),
      });
      await rejectionOf(sealer.compact(ID));
    },
    true,
  ],
];

/** The answer of a call: the records of a load, or whether a write was made. */
async function answerOf({ name, make }: Call, backend: FileBackend<Note>): Promise<unknown> {
  try {
    const result = await make(backend);
    return name === "load" ? result : "done";
  } catch (error) {
    if (MemoryError.is(error, "CONFLICT")) return "CONFLICT";
    throw error;
  }
}

/** The answers of two calls that are made one after the other, and the records that are stored then. */
async function oneAfterTheOther(
  prepare: (backend: FileBackend<Note>) => Promise<unknown>,
  calls: readonly [Call, Call],
  swapped: boolean,
): Promise<string> {
  const backend = newBackend();
  await prepare(backend);
  const results: unknown[] = [];
  for (const index of swapped ? [1, 0] : [0, 1])
    results[index] = await answerOf(calls[index] as Call, another(backend));
  return JSON.stringify([...results, await another(backend).load(ID)]);
}

describe("two calls at the same time have the effect of one after the other", () => {
  it.each(states)(
    "wherever one of them comes between two steps of the other: the memory is %s",
    async (_state, prepare, isThere = false) => {
      let schedules = 0;
      // Calls that are refused if the memory exists were tested in the states before.
      const calls = (n: number): Call[] =>
        callsOf(n).filter(({ name }) => !(isThere && name.endsWith("where nothing is")));
      for (const one of calls(10)) {
        for (const other of calls(20)) {
          const serial = [
            await oneAfterTheOther(prepare, [one, other], false),
            await oneAfterTheOther(prepare, [one, other], true),
          ];
          for (const knows of isThere ? [true] : [false, true]) {
            let came = true;
            for (let step = 0; came; step++) {
              came = false;
              const backend = newBackend();
              await prepare(backend);
              let made = 0;
              let otherAnswer: unknown;
              let watching = false;
              const interrupted = another(backend, {
                fileSystem: watched(async () => {
                  if (!watching || made++ !== step) return undefined;
                  came = true;
                  otherAnswer = await answerOf(other, another(backend));
                  return undefined;
                }),
              });
              if (knows) await interrupted.load(ID);
              watching = true;
              const oneAnswer = await answerOf(one, interrupted);
              if (!came) break;
              schedules += 1;
              const found = JSON.stringify([oneAnswer, otherAnswer, await another(backend).load(ID)]);
              expect([`${one.name}, ${other.name} at step ${step}`, found]).toEqual([
                `${one.name}, ${other.name} at step ${step}`,
                expect.stringMatching(either(serial)),
              ]);
            }
          }
        }
      }
      expect(schedules).toBeGreaterThan(300);
    },
  );
});

/** Matches any of the texts. */
function either(texts: readonly string[]): RegExp {
  return new RegExp(`^(${texts.map((text) => text.replace(/[[\]{}|().*+?^$\\]/g, "\\$&")).join("|")})$`);
}

describe("a write is in the log that the memory has when the write is acknowledged", () => {
  it.each([
    ["deleted", "file.write", (backend: FileBackend<Note>) => backend.append(ID, [{ n: 0 }])],
    ["made and deleted", "link", async () => undefined],
  ])("also where that was %s after the writer had looked, before its %s", async (_what, decisive, prepare) => {
    let reached = false;
    for (let step = 0; !reached; step++) {
      const backend = newBackend();
      await prepare(backend);
      let calls = 0;
      const writer = another(backend, {
        fileSystem: watched(async ({ name }) => {
          if (calls++ !== step) return undefined;
          reached = name === decisive;
          if (decisive === "link") await backend.append(ID, [{ n: 5 }]);
          await backend.delete(ID);
          return undefined;
        }),
      });
      await writer.append(ID, [{ n: 1 }]);
      expect(calls).toBeGreaterThan(step);
      expect([step, await another(backend).load(ID)]).toEqual([step, [{ n: 1 }]]);
    }
  });

  it("and a reader does not see a write that was made in vain", async () => {
    const backend = newBackend();
    await backend.append(ID, [{ n: 0 }]);
    const opened = Promise.withResolvers<void>();
    const written = Promise.withResolvers<void>();
    let stats = 0;
    const reader = another(backend, {
      fileSystem: watched(async ({ name }) => {
        // The second `stat` is that of the read itself.
        if (name === "file.stat" && ++stats === 2) {
          opened.resolve();
          await written.promise;
        }
        return undefined;
      }),
    });
    const read = reader.load(ID);
    await opened.promise;
    let writes = 0;
    const writer = another(backend, {
      fileSystem: watched(async ({ name }) => {
        if (name === "file.write" && writes++ === 0) await backend.delete(ID);
        else if (name === "file.read" && writes === 1) {
          writes += 1;
          written.resolve();
          expect(await read).toBeNull();
        }
        return undefined;
      }),
    });
    await writer.append(ID, [{ n: 1 }]);
    expect(writes).toBeGreaterThan(1);
    expect(await reader.load(ID)).toEqual([{ n: 1 }]);
  });

  it("and a write that was overtaken while it read the log is not even made", async () => {
    const backend = newBackend();
    await backend.append(ID, [{ n: 0 }]);
    let reads = 0;
    let writes = 0;
    const writer = another(backend, {
      fileSystem: watched(async ({ name }) => {
        if (name === "file.read" && reads++ === 2) await backend.append(ID, [{ n: 1 }]);
        if (name === "file.write") writes += 1;
        return undefined;
      }),
    });
    await writer.append(ID, [{ n: 2 }]);
    expect([reads > 3, writes]).toEqual([true, 1]);
    expect(await backend.load(ID)).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }]);
  });
});
