import { equal, ok, rejects } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suiteOf } from "../suite.ts";

export const loss: Suite = suiteOf(
  "log",
  "a log reports the loss of acknowledged entries",
  {
    async "to a reader that had seen them: `regressed`, and the whole log again"(stage) {
      const { backend } = stage;
      for (let n = 0; n < 4; n++) await backend.append("m", recordsFrom(n));
      const known = (await backend.read("m"))?.revision;
      await stage.lose("m");
      const snapshot = await backend.read("m", { since: known });
      equal(numbers(snapshot?.records), [0, 1, 2], "what is left");
      equal([snapshot?.reset, snapshot?.regressed], [true, true], "reset and regressed");
    },

    async "even if as many entries were written since"(stage) {
      const { backend } = stage;
      for (let n = 0; n < 4; n++) await backend.append("m", recordsFrom(n));
      const known = (await backend.read("m"))?.revision;
      await stage.lose("m");
      await stage.lose("m");
      for (let n = 10; n < 14; n++) await backend.append("m", recordsFrom(n));
      const snapshot = await backend.read("m", { since: known });
      equal(numbers(snapshot?.records), [0, 1, 10, 11, 12, 13], "what is there");
      equal([snapshot?.reset, snapshot?.regressed], [true, true], "reset and regressed");
    },

    async "at each read, whatever else is asked, until the log is replaced"(stage) {
      const { backend } = stage;
      for (let n = 0; n < 4; n++) await backend.append("m", recordsFrom(n));
      const since = (await backend.read("m"))?.revision;
      await stage.lose("m");
      for (const options of [{ since }, { since, last: 1 }, { since, last: 100 }, { since }]) {
        const snapshot = await backend.read("m", options);
        const what = `of a read with ${Object.keys(options).join(" and ")}`;
        equal([snapshot?.reset, snapshot?.regressed], [true, true], `reset and regressed ${what}`);
        equal(numbers(snapshot?.records), options.last === 1 ? [2] : [0, 1, 2], `the records ${what}`);
      }
      const plain = await backend.read("m");
      equal([plain?.reset, plain?.regressed], [false, false], "reset and regressed of a read without `since`");
      await backend.append("m", recordsFrom(9));
      const appended = await backend.read("m", { since });
      equal([appended?.reset, appended?.regressed], [true, true], "reset and regressed after another append");
      await backend.save("m", recordsFrom(5));
      const replaced = await backend.read("m", { since });
      equal(replaced?.reset, true, "reset after a replacement");
      equal(numbers(replaced?.records), [5], "the records after a replacement");
    },

    async "to a writer that expects the lost revision: CONFLICT, even if as many entries were written since"(stage) {
      const { backend } = stage;
      for (let n = 0; n < 3; n++) await backend.append("m", recordsFrom(n));
      const expectedRevision = (await backend.read("m"))?.revision;
      await stage.lose("m");
      await backend.append("m", recordsFrom(7));
      const now = (await backend.read("m"))?.revision;
      ok(now !== expectedRevision, "the entry in the place of a lost one has its revision");
      await rejects(() => backend.append("m", recordsFrom(9), { expectedRevision }), "CONFLICT", "append");
      await rejects(
        () => backend.append("m", recordsFrom(9), { since: expectedRevision, operationId: "op" }),
        "CONFLICT",
        "append since the lost entry",
      );
      await rejects(() => backend.save("m", recordsFrom(9), { expectedRevision }), "CONFLICT", "save");
      equal(numbers(await backend.load("m")), [0, 1, 7], "load");
    },

    async "not to a reader that had not seen them"(stage) {
      const { backend } = stage;
      for (let n = 0; n < 3; n++) await backend.append("m", recordsFrom(n));
      const known = (await backend.read("m"))?.revision;
      await backend.append("m", recordsFrom(3));
      await stage.lose("m");
      await backend.append("m", recordsFrom(4));
      const snapshot = await backend.read("m", { since: known });
      equal(numbers(snapshot?.records), [4], "the records since then");
      equal([snapshot?.reset, snapshot?.regressed], [false, false], "reset and regressed");
    },

    async "to a writer that had seen them: CONFLICT, unless its operation is stored"(stage) {
      const { backend } = stage;
      for (let n = 0; n < 3; n++) await backend.append("m", recordsFrom(n), { operationId: `op-${n}` });
      const since = (await backend.read("m"))?.revision;
      await stage.lose("m");
      await rejects(
        () => backend.append("m", recordsFrom(3), { operationId: "op-3", since }),
        "CONFLICT",
        "append since a lost entry",
      );
      await backend.append("m", recordsFrom(1), { operationId: "op-1", since });
      equal(numbers(await backend.load("m")), [0, 1], "load");
      await backend.append("m", recordsFrom(5));
      equal(numbers(await backend.load("m")), [0, 1, 5], "load after another append");
    },
  },
  "lose",
);
