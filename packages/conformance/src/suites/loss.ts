import { equal, rejects } from "../expectations.ts";
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
