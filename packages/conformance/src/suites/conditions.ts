import { type LogCapability, MemoryError, type Revision, supports } from "@deep-agent/core/adapter";
import { equal, ok, rejectionOf, rejects } from "../expectations.ts";
import { type KitRecord, numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";

export const conditions: Suite = suiteOf("log", "a conditional write is made only if its condition holds", {
  async "with the current revision expected: it is made"({ backend }) {
    await backend.append("m", recordsFrom(0));
    await backend.append("m", recordsFrom(1), { expectedRevision: await revisionOf(backend) });
    await backend.save("m", recordsFrom(5, 2), { expectedRevision: await revisionOf(backend) });
    await backend.append("m", recordsFrom(7), { expectedRevision: await revisionOf(backend) });
    equal(numbers(await backend.load("m")), [5, 6, 7], "load");
  },

  async "with an old revision expected: CONFLICT, and nothing is written"({ backend }) {
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

  async "with the revision of a deleted log or of another memory expected: CONFLICT"({ backend }) {
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
    for (const when of ["after its delete", "after it was created again"]) {
      await rejects(() => backend.append("m", recordsFrom(9), { expectedRevision: old }), "CONFLICT", `append ${when}`);
      await rejects(() => backend.save("m", recordsFrom(9), { expectedRevision: old }), "CONFLICT", `save ${when}`);
      equal(numbers(await backend.load("m")), when === "after its delete" ? null : [0], `load ${when}`);
      await backend.append("m", recordsFrom(0));
      if (when === "after it was created again") return;
    }
  },

  async "with null expected: it is made only if there is no memory, not even an empty one"({ backend }) {
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
    equal(numbers(await backend.load("saved")), [1], "load of a memory that was deleted and created again");
  },

  async "with a `since` of this log, however old: it is made"({ backend }) {
    await backend.append("m", recordsFrom(0), { since: null });
    const since = await revisionOf(backend);
    for (let n = 1; n < 5; n++) await backend.append("m", recordsFrom(n), { since });
    equal(numbers(await backend.load("m")), [0, 1, 2, 3, 4], "load");
  },

  async "with a `since` of another log, or null for an existing memory: CONFLICT"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const since = await revisionOf(backend);
    await rejects(
      () => backend.append("m", recordsFrom(9), { since: null }),
      "CONFLICT",
      "append with `since: null` to an existing memory",
    );
    equal(numbers(await backend.load("m")), [0], "load after it");
    await backend.save("m", recordsFrom(1));
    await rejects(
      () => backend.append("m", recordsFrom(9), { since }),
      "CONFLICT",
      "append since the log before a save",
    );
    equal(numbers(await backend.load("m")), [1], "load after it");
    await backend.delete("m");
    await rejects(
      () => backend.append("m", recordsFrom(9), { since }),
      "CONFLICT",
      "append since a log that was deleted",
    );
    equal(await backend.load("m"), null, "load after it");
  },

  async "with an invented revision: it is rejected, and nothing is written"({ backend }) {
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
    equal(await backend.load("absent"), null, "load of the absent memory");
  },

  async "of several appends that expect the same revision, one is made"({ backend }) {
    await backend.append("m", recordsFrom(0));
    for (let round = 1; round <= 5; round++) {
      const expectedRevision = await revisionOf(backend);
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, writer) => backend.append("m", [{ n: round, writer }], { expectedRevision })),
      );
      const refused = results.filter((result) => result.status === "rejected");
      ok(
        refused.every(({ reason }) => MemoryError.is(reason, "CONFLICT")),
        "an append that came too late did not reject with CONFLICT",
      );
      equal(refused.length, 7, "the number of appends that came too late");
      equal((await backend.load("m"))?.length, round + 1, "the number of records");
    }
  },

  async "of several saves that expect no memory, one is made"({ backend }) {
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

  async "of several appends that know of no memory, one is made"({ backend }) {
    for (let round = 0; round < 5; round++) {
      const id = `m${round}`;
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, writer) => backend.append(id, recordsFrom(writer), { since: null })),
      );
      const made = results.findIndex(({ status }) => status === "fulfilled");
      equal(results.filter(({ status }) => status === "fulfilled").length, 1, "the number of appends that succeeded");
      equal(numbers(await backend.load(id)), [made], "load");
    }
  },

  async "of several saves that expect the same revision, one is made"({ backend }) {
    for (let round = 0; round < 5; round++) {
      const expectedRevision = await backend.append("m", recordsFrom(round));
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, writer) => backend.save("m", recordsFrom(writer * 10, 2), { expectedRevision })),
      );
      const made = results.findIndex(({ status }) => status === "fulfilled");
      equal(results.filter(({ status }) => status === "fulfilled").length, 1, "the number of saves that succeeded");
      equal(numbers(await backend.load("m")), [made * 10, made * 10 + 1], "load");
    }
  },

  async "writers that read, compare and write again after a conflict lose no step"({ backend }) {
    await backend.save("counter", [{ count: 0 }]);
    const add = async (): Promise<void> => {
      for (let attempt = 0; attempt < 1_000; attempt++) {
        const snapshot = await backend.read("counter");
        const count = Number(snapshot?.records[0]?.["count"]) + 1;
        const failure = await backend.save("counter", [{ count }], { expectedRevision: snapshot?.revision }).then(
          () => undefined,
          (error: unknown) => ({ error }),
        );
        if (failure === undefined) return;
        if (!MemoryError.is(failure.error, "CONFLICT")) throw failure.error;
      }
    };
    await Promise.all(Array.from({ length: 6 }, () => add()));
    equal(await backend.load("counter"), [{ count: 6 }], "load after six writers added one each");
  },

  async "a `since` and an expected revision that both hold, and either of them that does not"({ backend }) {
    const first = await backend.append("m", recordsFrom(0));
    const second = await backend.append("m", recordsFrom(1));
    const third = await backend.append("m", recordsFrom(2), { since: first, expectedRevision: second });
    const foreign = await backend.append("other", recordsFrom(0));
    for (const options of [
      { since: first, expectedRevision: second },
      { since: null, expectedRevision: third },
      { since: foreign, expectedRevision: third },
    ])
      await rejects(
        () => backend.append("m", recordsFrom(9), options),
        "CONFLICT",
        "append with one that does not hold",
      );
    equal(numbers(await backend.load("m")), [0, 1, 2], "load");
    await rejects(
      () => backend.append("m", recordsFrom(9), { expectedRevision: "" }),
      "INVALID_ARGUMENT",
      "append that expects an empty revision",
    );
  },

  async "a refused write to an absent memory does not create it"({ backend }) {
    for (let time = 0; time < 3; time++) {
      for (const options of [{ since: "x" }, { expectedRevision: "x" }]) {
        const codes = ["CONFLICT", "INVALID_ARGUMENT"] as const;
        await rejects(() => backend.append("absent", recordsFrom(0), options), codes, "append to an absent memory");
      }
      await rejects(
        () => backend.save("absent", recordsFrom(0), { expectedRevision: "x" }),
        ["CONFLICT", "INVALID_ARGUMENT"],
        "save of an absent memory",
      );
      equal(await backend.read("absent"), null, "read");
      equal(await backend.list(), [], "list");
      if (supports(backend, "info")) equal(await backend.info("absent"), null, "info");
      if (supports(backend, "catalogue"))
        equal(await backend.recent({ limit: 5 }), { memories: [], cursor: null }, "recent");
    }
  },

  async "a rejected append says that nothing was written"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const since = await backend.append("other", recordsFrom(0));
    for (const options of [{ expectedRevision: null }, { since: null }, { since }]) {
      const what = `append with ${Object.keys(options)[0]}`;
      const error = await rejects(() => backend.append("m", recordsFrom(9), options), "CONFLICT", what);
      equal(error.outcome, "not-applied", `the outcome of an ${what}`);
      equal(error.memoryId, "m", `the memoryId of an ${what}`);
      equal(error.retryable, false, `whether an ${what} is retryable`);
      ok(error.message.length > 10, `the error of an ${what} has no useful message`);
      const { name } = backend;
      ok(
        name === undefined || error.backend === undefined || error.backend === name,
        `the error of an ${what} names the backend ${error.backend}, which is called ${name}`,
      );
    }
  },

  async "a rejected write says that nothing was written"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const error = await rejectionOf(
      () => backend.save("m", recordsFrom(9), { expectedRevision: null }),
      "save over a memory that must not exist",
    );
    ok(MemoryError.is(error, "CONFLICT"), "save over a memory that must not exist does not reject with CONFLICT");
    equal(error.outcome, "not-applied", "the error's outcome");
    equal(error.memoryId, "m", "the error's memoryId");
  },
});

async function revisionOf(backend: LogCapability<KitRecord>, id = "m"): Promise<Revision> {
  const snapshot = await backend.read(id, { last: 1 });
  if (snapshot === null) throw new Error(`There is no memory ${id}.`);
  return snapshot.revision;
}
