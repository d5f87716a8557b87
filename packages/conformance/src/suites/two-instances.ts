import { equal, ok, rejects } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";

export const twoInstances: Suite = suiteOf(
  "log",
  "two instances write the same memory, and each sees what the other wrote",
  {
    async "appends by both in turn"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      for (let n = 0; n < 20; n++) await (n % 2 === 0 ? backend : other).append("m", recordsFrom(n));
      equal(numbers(await backend.load("m")), numbers(recordsFrom(0, 20)), "load by one instance");
      equal(numbers(await other.load("m")), numbers(recordsFrom(0, 20)), "load by the other instance");
    },

    async "a read since the last one returns new entries only"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      await backend.append("m", recordsFrom(0));
      let since = (await other.read("m"))?.revision;
      for (let n = 1; n < 6; n++) {
        await backend.append("m", recordsFrom(n));
        const snapshot = await other.read("m", { since });
        equal(numbers(snapshot?.records), [n], "the records since then");
        equal(snapshot?.reset, false, "reset");
        since = snapshot?.revision;
      }
    },

    async "the same operation by both at the same time"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      await backend.append("m", recordsFrom(0));
      for (let round = 1; round <= 10; round++) {
        const since = (await backend.read("m"))?.revision;
        const options = { operationId: `op-${round}`, since };
        const answers = await Promise.all(
          [backend, other, backend, other].map((one) => one.append("m", recordsFrom(round), options)),
        );
        equal(new Set(answers).size, 1, "the number of different answers");
      }
      equal(numbers(await other.load("m")), numbers(recordsFrom(0, 11)), "load");
    },

    async "a second attempt by the other instance"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      await backend.append("m", recordsFrom(0));
      const since = (await backend.read("m"))?.revision;
      const first = await backend.append("m", recordsFrom(1), { operationId: "op", since });
      await backend.append("m", recordsFrom(2));
      equal(
        await other.append("m", recordsFrom(1), { operationId: "op", since }),
        first,
        "the answer to the second attempt",
      );
      equal(numbers(await backend.load("m")), [0, 1, 2], "load");
    },

    async "the first write by both"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      for (let round = 0; round < 10; round++) {
        const id = `m${round}`;
        await Promise.all([
          backend.append(id, recordsFrom(1)),
          other.append(id, recordsFrom(2)),
          backend.append(id, recordsFrom(3)),
        ]);
        equal((numbers(await other.load(id)) ?? []).sort(), [1, 2, 3], "load, in any order");
      }
    },

    async "conditional writes by both at the same revision, of which one is made"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      await backend.append("m", recordsFrom(0));
      for (let round = 1; round <= 10; round++) {
        const expectedRevision = (await backend.read("m", { last: 1 }))?.revision;
        const writes = [
          backend.append("m", [{ n: round, by: "one" }], { expectedRevision }),
          other.append("m", [{ n: round, by: "other" }], { expectedRevision }),
        ];
        const results = await Promise.allSettled(writes);
        equal(results.filter(({ status }) => status === "fulfilled").length, 1, "the number of writes that succeeded");
        equal((await other.load("m"))?.length, round + 1, "the number of records");
      }
    },

    async "deletes and replacements by the other instance"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      await backend.append("m", recordsFrom(0));
      const since = (await backend.read("m"))?.revision;
      await other.save("m", recordsFrom(5));
      await rejects(
        () => backend.append("m", recordsFrom(1), { since }),
        "CONFLICT",
        "append since a log that the other instance replaced",
      );
      equal(numbers((await backend.read("m", { since }))?.records), [5], "read since the replaced log");
      equal(numbers(await backend.load("m")), [5], "load after the other instance's save");
      await other.delete("m");
      equal(await backend.load("m"), null, "load after the other instance's delete");
      equal(await backend.list(), [], "list after the other instance's delete");
      await rejects(
        () => backend.append("m", recordsFrom(1), { since }),
        "CONFLICT",
        "append since a log that the other instance deleted",
      );
      await backend.append("m", recordsFrom(7));
      equal(numbers(await other.load("m")), [7], "load of the memory that was created again");
    },

    async "appends by one, deletes by the other, at the same time"(stage) {
      const { backend } = stage;
      const other = await stage.another();
      for (let round = 0; round < 10; round++) {
        const id = `m${round}`;
        await backend.append(id, recordsFrom(0, 2));
        await Promise.all([
          backend.append(id, recordsFrom(2, 2)),
          other.delete(id),
          backend.append(id, recordsFrom(4, 2)),
        ]);
        const left = numbers(await other.load(id)) ?? [];
        const possible = [[], [2, 3], [4, 5], [2, 3, 4, 5], [4, 5, 2, 3]];
        ok(
          possible.some((one) => JSON.stringify(one) === JSON.stringify(left)),
          `the records that are left are ${JSON.stringify(left)}`,
        );
      }
    },
  },
  "concurrentOpen",
);
