import { type LogCapability, MemoryError, type Revision } from "@deep-agent/core/adapter";
import { equal, ok, rejectionOf, rejects } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";

export const conditions: Suite = suiteOf("log", "a write on a condition is made where it holds, and nowhere else", {
  async "an expected revision that is the log's"({ backend }) {
    await backend.append("m", recordsFrom(0));
    await backend.append("m", recordsFrom(1), { expectedRevision: await revisionOf(backend) });
    await backend.save("m", recordsFrom(5, 2), { expectedRevision: await revisionOf(backend) });
    await backend.append("m", recordsFrom(7), { expectedRevision: await revisionOf(backend) });
    equal(numbers(await backend.load("m")), [5, 6, 7], "load");
  },

  async "one that it was: CONFLICT, and nothing written"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const old = await revisionOf(backend);
    await backend.append("m", recordsFrom(1));
    await rejects(
      () => backend.append("m", recordsFrom(9), { expectedRevision: old }),
      "CONFLICT",
      "append at an old revision",
    );
    await rejects(
      () => backend.save("m", recordsFrom(9), { expectedRevision: old }),
      "CONFLICT",
      "save at an old revision",
    );
    equal(numbers(await backend.load("m")), [0, 1], "load");
    await backend.save("m", recordsFrom(0, 2));
    await rejects(
      () => backend.append("m", recordsFrom(9), { expectedRevision: old }),
      "CONFLICT",
      "append at the revision before a save",
    );
    equal(numbers(await backend.load("m")), [0, 1], "load after the save");
  },

  async "one of a log that is no more, or of another memory"({ backend }) {
    await backend.append("m", recordsFrom(0));
    await backend.append("other", recordsFrom(0));
    const others = await revisionOf(backend, "other");
    await rejects(
      () => backend.save("m", recordsFrom(9), { expectedRevision: others }),
      "CONFLICT",
      "save at another memory's revision",
    );
    const old = await revisionOf(backend);
    await backend.delete("m");
    for (const when of ["after its delete", "after it began anew"]) {
      await rejects(() => backend.append("m", recordsFrom(9), { expectedRevision: old }), "CONFLICT", `append ${when}`);
      await rejects(() => backend.save("m", recordsFrom(9), { expectedRevision: old }), "CONFLICT", `save ${when}`);
      equal(numbers(await backend.load("m")), when === "after its delete" ? null : [0], `load ${when}`);
      await backend.append("m", recordsFrom(0));
      if (when === "after it began anew") return;
    }
  },

  async "null: there must be no memory, not even an empty one"({ backend }) {
    await backend.save("saved", recordsFrom(0), { expectedRevision: null });
    await backend.append("appended", recordsFrom(0), { expectedRevision: null });
    await backend.save("empty", []);
    for (const [id, before] of [
      ["saved", [0]],
      ["appended", [0]],
      ["empty", []],
    ] as const) {
      await rejects(
        () => backend.save(id, recordsFrom(9), { expectedRevision: null }),
        "CONFLICT",
        `save over the ${id} memory`,
      );
      await rejects(
        () => backend.append(id, recordsFrom(9), { expectedRevision: null }),
        "CONFLICT",
        `append to the ${id} memory`,
      );
      equal(numbers(await backend.load(id)), before, `load of the ${id} memory`);
    }
    await backend.delete("saved");
    await backend.save("saved", recordsFrom(1), { expectedRevision: null });
    equal(numbers(await backend.load("saved")), [1], "load of one that was deleted and is new");
  },

  async "a `since` of this log, be it old, holds"({ backend }) {
    await backend.append("m", recordsFrom(0), { since: null });
    const since = await revisionOf(backend);
    for (let n = 1; n < 5; n++) await backend.append("m", recordsFrom(n), { since });
    equal(numbers(await backend.load("m")), [0, 1, 2, 3, 4], "load");
  },

  async "a `since` of another log, or of none where there is one, does not"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const since = await revisionOf(backend);
    await rejects(
      () => backend.append("m", recordsFrom(9), { since: null }),
      "CONFLICT",
      "append that knew of no memory",
    );
    equal(numbers(await backend.load("m")), [0], "load after it");
    await backend.save("m", recordsFrom(1));
    await rejects(
      () => backend.append("m", recordsFrom(9), { since }),
      "CONFLICT",
      "append that knew the log before a save",
    );
    equal(numbers(await backend.load("m")), [1], "load after it");
    await backend.delete("m");
    await rejects(
      () => backend.append("m", recordsFrom(9), { since }),
      "CONFLICT",
      "append that knew a log which was deleted",
    );
    equal(await backend.load("m"), null, "load after it");
  },

  async "a revision that no read gave changes nothing"({ backend }) {
    await backend.append("m", recordsFrom(0));
    for (const made of ["x", "0", "1.1", "..", "a.1.1", "-", "*", "null", " ", "x".repeat(2_000), "\n", "é"]) {
      for (const options of [{ expectedRevision: made }, { since: made }]) {
        const what = `append with ${Object.keys(options)[0]} ${JSON.stringify(made.slice(0, 20))}`;
        for (const id of ["m", "absent"]) {
          await rejects(
            () => backend.append(id, recordsFrom(9), options),
            ["CONFLICT", "INVALID_ARGUMENT"],
            `${what} to ${id}`,
          );
        }
      }
    }
    equal(numbers(await backend.load("m")), [0], "load");
    equal(await backend.load("absent"), null, "load of what was absent");
  },

  async "of writers that expect the same, one gets its way"({ backend }) {
    await backend.append("m", recordsFrom(0));
    for (let round = 1; round <= 5; round++) {
      const expectedRevision = await revisionOf(backend);
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, writer) => backend.append("m", [{ n: round, writer }], { expectedRevision })),
      );
      const refused = results.filter((result) => result.status === "rejected");
      ok(
        refused.every(({ reason }) => MemoryError.is(reason, "CONFLICT")),
        "one that came too late was refused by something else than CONFLICT",
      );
      equal(refused.length, 7, "the number of writers that came too late");
      equal((await backend.load("m"))?.length, round + 1, "the number of records");
    }
  },

  async "of savers that expect none, one gets its way"({ backend }) {
    const saves = Array.from({ length: 8 }, (_, writer) =>
      backend.save("m", recordsFrom(writer * 10, 2), { expectedRevision: null }),
    );
    const results = await Promise.allSettled(saves);
    equal(results.filter(({ status }) => status === "fulfilled").length, 1, "the number of saves that succeeded");
    equal(
      numbers(await backend.load("m"))?.[0],
      results.findIndex(({ status }) => status === "fulfilled") * 10,
      "the first record",
    );
  },

  async "a refusal says that nothing was written"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const error = await rejectionOf(
      () => backend.save("m", recordsFrom(9), { expectedRevision: null }),
      "save over a memory that must not be",
    );
    ok(
      MemoryError.is(error, "CONFLICT"),
      "save over a memory that must not be there rejects with something else than CONFLICT",
    );
    equal(error.outcome, "not-applied", "the error's outcome");
    equal(error.memoryId, "m", "the error's memoryId");
  },
});

async function revisionOf(backend: LogCapability<KitRecord>, id = "m"): Promise<Revision> {
  const snapshot = await backend.read(id, { last: 1 });
  if (snapshot === null) throw new Error(`There is no memory ${id}.`);
  return snapshot.revision;
}
