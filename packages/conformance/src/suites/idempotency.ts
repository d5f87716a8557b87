import { equal, ok, rejects } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";
import { wrong } from "../wrong-value.ts";

export const idempotency: Suite = suiteOf("log", "a repeated operation takes effect once, and gets the same answer", {
  async "an append that is repeated at once"({ backend }) {
    const first = await backend.append("m", recordsFrom(0, 2), { operationId: "op" });
    equal(
      await backend.append("m", recordsFrom(0, 2), { operationId: "op" }),
      first,
      "the answer to the second attempt",
    );
    equal(numbers(await backend.load("m")), [0, 1], "load");
  },

  async "an append with `since`, however many entries have followed"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const since = (await backend.read("m"))?.revision;
    const first = await backend.append("m", recordsFrom(1), { operationId: "op", since });
    for (let n = 2; n < 120; n++) await backend.append("m", recordsFrom(n));
    equal(
      await backend.append("m", recordsFrom(1), { operationId: "op", since }),
      first,
      "the answer to the second attempt",
    );
    equal(numbers(await backend.load("m")), numbers(recordsFrom(0, 120)), "load");
  },

  async "an append without `since`, if it is among the newest 64 entries"({ backend }) {
    await backend.append("m", recordsFrom(0), { operationId: "op" });
    for (let n = 1; n < 64; n++) await backend.append("m", recordsFrom(n));
    await backend.append("m", recordsFrom(0), { operationId: "op" });
    equal(numbers(await backend.load("m")), numbers(recordsFrom(0, 64)), "load");
  },

  async "an append without `since`, as any of the newest 64 entries"({ backend }) {
    const answers: string[] = [];
    for (let n = 0; n < 64; n++) answers.push(await backend.append("m", recordsFrom(n), { operationId: `op-${n}` }));
    for (let n = 0; n < 64; n++) {
      equal(
        await backend.append("m", recordsFrom(n), { operationId: `op-${n}` }),
        answers[n],
        `the answer to a second attempt that ${63 - n} entries follow`,
      );
    }
    equal(numbers(await backend.load("m")), numbers(recordsFrom(0, 64)), "load");
  },

  async "an append with `since`, among several hundred entries that came later"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const since = (await backend.read("m"))?.revision;
    const first = await backend.append("m", recordsFrom(1), { operationId: "op", since });
    for (let batch = 0; batch < 6; batch++)
      await Promise.all(Array.from({ length: 50 }, () => backend.append("m", recordsFrom(2))));
    for (let time = 0; time < 3; time++) {
      equal(
        await backend.append("m", recordsFrom(1), { operationId: "op", since }),
        first,
        "the answer to a later attempt",
      );
    }
    equal((await backend.load("m"))?.length, 302, "the number of records");
  },

  async "an append that is repeated many times, with other appends in between"({ backend }) {
    const first = await backend.append("m", recordsFrom(0), { operationId: "op", since: null });
    for (let n = 1; n <= 12; n++) {
      const answer = await backend.append("m", recordsFrom(0), { operationId: "op", since: null });
      equal(answer, first, `the answer to attempt ${n + 1}`);
      await backend.append("m", recordsFrom(n), { operationId: `op-${n}` });
    }
    equal(numbers(await backend.load("m")), numbers(recordsFrom(0, 13)), "load");
  },

  async "a repeated operation changes nothing: not the revision, and not what a reader sees"({ backend }) {
    await backend.save("m", recordsFrom(0, 2), { operationId: "save" });
    const saved = (await backend.read("m"))?.revision;
    await backend.save("m", recordsFrom(0, 2), { operationId: "save" });
    equal((await backend.read("m"))?.revision, saved, "the revision after a second attempt at a save");
    const appended = await backend.append("m", recordsFrom(2), { operationId: "append" });
    await backend.append("m", recordsFrom(2), { operationId: "append" });
    const snapshot = await backend.read("m", { since: saved });
    equal(numbers(snapshot?.records), [2], "the records since the save");
    equal(snapshot?.revision, appended, "the revision after a second attempt at an append");
  },

  async "an operation that was refused can be made later"({ backend }) {
    const old = await backend.append("m", recordsFrom(0));
    const current = await backend.append("m", recordsFrom(1));
    const named = { operationId: "op" };
    await rejects(
      () => backend.append("m", recordsFrom(2), { ...named, expectedRevision: old }),
      "CONFLICT",
      "append at an old revision",
    );
    await backend.append("m", recordsFrom(2), { ...named, expectedRevision: current });
    equal(numbers(await backend.load("m")), [0, 1, 2], "load after the append was made at the right revision");
    await rejects(
      () => backend.save("m", recordsFrom(5), { operationId: "save", expectedRevision: old }),
      "CONFLICT",
      "save at an old revision",
    );
    await backend.save("m", recordsFrom(5), { operationId: "save" });
    equal(numbers(await backend.load("m")), [5], "load after the save was made without a condition");
  },

  async "the first append of a memory, with `since: null`"({ backend }) {
    const first = await backend.append("m", recordsFrom(0), { operationId: "op", since: null });
    for (let n = 1; n < 80; n++) await backend.append("m", recordsFrom(n));
    equal(
      await backend.append("m", recordsFrom(0), { operationId: "op", since: null }),
      first,
      "the answer to the second attempt",
    );
    equal(numbers(await backend.load("m")), numbers(recordsFrom(0, 80)), "load");
  },

  async "several attempts at the same time"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const since = (await backend.read("m"))?.revision;
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => backend.append("m", recordsFrom(1, 2), { operationId: "op", since })),
    );
    equal(new Set(answers).size, 1, "the number of different answers");
    equal(numbers(await backend.load("m")), [0, 1, 2], "load");
  },

  async "a conditional append whose condition held the first time"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const expectedRevision = (await backend.read("m"))?.revision;
    const first = await backend.append("m", recordsFrom(1), { operationId: "op", expectedRevision });
    await backend.append("m", recordsFrom(2));
    equal(
      await backend.append("m", recordsFrom(1), { operationId: "op", expectedRevision }),
      first,
      "the answer to the second attempt",
    );
    const made = await backend.append("new", recordsFrom(0), { operationId: "op", expectedRevision: null });
    equal(
      await backend.append("new", recordsFrom(0), { operationId: "op", expectedRevision: null }),
      made,
      "the answer to the second attempt",
    );
    equal(numbers(await backend.load("m")), [0, 1, 2], "load");
    equal(numbers(await backend.load("new")), [0], "load of the new memory");
  },

  async "the first attempt counts, even if the second has other records"({ backend }) {
    await backend.append("m", recordsFrom(0), { operationId: "op" });
    await backend.append("m", recordsFrom(7, 3), { operationId: "op" });
    equal(numbers(await backend.load("m")), [0], "load");
  },

  async "operations with similar ids, equal records or another memory are different"({ backend }) {
    for (const operationId of ["op", "o", "opp", "OP", "op-", "-op", "_op", "0"])
      await backend.append("m", recordsFrom(0), { operationId });
    equal((await backend.load("m"))?.length, 8, "the number of records");
    await backend.append("other", recordsFrom(0), { operationId: "op" });
    equal(numbers(await backend.load("other")), [0], "load of the other memory");
    await backend.append("m", [{ text: '{"t":"quoted","at":1,"r":[]}' }, { t: "quoted" }]);
    await backend.append("m", recordsFrom(5), { operationId: "quoted" });
    equal((await backend.load("m"))?.length, 11, "the number of records after an operation whose id a record quotes");
  },

  async "each append without an operation id is a new one"({ backend }) {
    for (let time = 0; time < 3; time++) await backend.append("m", recordsFrom(0));
    equal(numbers(await backend.load("m")), [0, 0, 0], "load");
  },

  async "an operation of a deleted memory is rejected, and its records do not come back"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const since = (await backend.read("m"))?.revision;
    await backend.append("m", recordsFrom(1), { operationId: "op", since });
    await backend.delete("m");
    await rejects(
      () => backend.append("m", recordsFrom(1), { operationId: "op", since }),
      "CONFLICT",
      "a second attempt after a delete",
    );
    equal(await backend.load("m"), null, "load");
    await backend.append("m", recordsFrom(5));
    await rejects(
      () => backend.append("m", recordsFrom(1), { operationId: "op", since }),
      "CONFLICT",
      "a second attempt on a new log",
    );
    equal(numbers(await backend.load("m")), [5], "load of the new log");
  },

  async "an operation from before a replacement is rejected, and nothing is written"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const since = (await backend.read("m"))?.revision;
    await backend.append("m", recordsFrom(1), { operationId: "op", since });
    await backend.save("m", recordsFrom(5, 2));
    await rejects(
      () => backend.append("m", recordsFrom(1), { operationId: "op", since }),
      "CONFLICT",
      "a second attempt after a save",
    );
    equal(numbers(await backend.load("m")), [5, 6], "load");
  },

  async "a repeated save, even if others wrote in between"({ backend }) {
    await backend.save("m", recordsFrom(0, 2), { operationId: "save" });
    await backend.append("m", recordsFrom(2));
    await backend.save("m", recordsFrom(0, 2), { operationId: "save" });
    equal(numbers(await backend.load("m")), [0, 1, 2], "load after the second attempt");
    await backend.save("m", recordsFrom(5), { operationId: "another" });
    await backend.save("m", recordsFrom(0, 2), { operationId: "save" });
    equal(numbers(await backend.load("m")), [5], "load after another save, and a late attempt at the first");
    await backend.save("other", recordsFrom(7), { operationId: "save" });
    equal(numbers(await backend.load("other")), [7], "load of another memory");
  },

  async "a repeated save, among the latest 64 that had an operation id"({ backend }) {
    for (let n = 0; n < 64; n++) await backend.save("m", recordsFrom(n), { operationId: `save-${n}` });
    const revision = (await backend.read("m"))?.revision;
    for (let n = 0; n < 64; n++) {
      await backend.save("m", recordsFrom(n), { operationId: `save-${n}` });
      equal(
        numbers(await backend.load("m")),
        [63],
        `load after a late attempt at a save that ${63 - n} others followed`,
      );
    }
    equal((await backend.read("m"))?.revision, revision, "the revision");
  },

  async "a repeated save whose condition held the first time"({ backend }) {
    const expectedRevision = await backend.append("m", recordsFrom(0));
    await backend.save("m", recordsFrom(1), { operationId: "save", expectedRevision });
    await backend.append("m", recordsFrom(2));
    await backend.save("m", recordsFrom(1), { operationId: "save", expectedRevision });
    await backend.save("new", recordsFrom(5), { operationId: "save", expectedRevision: null });
    await backend.save("new", recordsFrom(5), { operationId: "save", expectedRevision: null });
    equal(numbers(await backend.load("m")), [1, 2], "load");
    equal(numbers(await backend.load("new")), [5], "load of the new memory");
  },

  async "after a delete, the same operations are new ones"({ backend }) {
    for (let time = 0; time < 3; time++) {
      await backend.save("saved", recordsFrom(time), { operationId: "save" });
      equal(numbers(await backend.load("saved")), [time], `load after ${time} deletes and a save`);
      await backend.delete("saved");
      await backend.append("appended", recordsFrom(time), { operationId: "op", since: null });
      equal(numbers(await backend.load("appended")), [time], `load after ${time} deletes and an append`);
      await backend.delete("appended");
    }
  },

  async "several attempts at a save at the same time"({ backend }) {
    await backend.append("m", recordsFrom(0));
    const expectedRevision = (await backend.read("m"))?.revision;
    await Promise.all(
      Array.from({ length: 8 }, () => backend.save("m", recordsFrom(5, 2), { operationId: "save", expectedRevision })),
    );
    equal(numbers(await backend.load("m")), [5, 6], "load");
  },

  async "an invalid operation id is rejected"({ backend }) {
    await backend.append("m", recordsFrom(0), { operationId: "A-z_09".padEnd(64, "x") });
    for (const operationId of ["", "x".repeat(65), "a b", "a\n", "é", "a:b", "*"]) {
      await rejects(
        () => backend.append("m", recordsFrom(1), { operationId }),
        "INVALID_ARGUMENT",
        `append as ${JSON.stringify(operationId)}`,
      );
      await rejects(
        () => backend.save("m", recordsFrom(1), { operationId }),
        "INVALID_ARGUMENT",
        `save as ${JSON.stringify(operationId)}`,
      );
    }
    for (const operationId of wrong<string[]>([null, 7, {}, ["op"]])) {
      await rejects(
        () => backend.append("m", recordsFrom(1), { operationId }),
        "INVALID_ARGUMENT",
        `append as ${JSON.stringify(operationId)}`,
      );
    }
    const stored = numbers(await backend.load("m"));
    ok(stored?.length === 1, `rejected calls wrote records: ${stored}`);
  },
});
