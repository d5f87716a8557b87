import { supports } from "@deep-agent/core/adapter";
import { equal, ok } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";

export const replacement: Suite = suite("save replaces the whole log atomically", {
  async "by more, fewer or the same records"({ backend }) {
    for (const [from, count] of [
      [0, 3],
      [10, 7],
      [20, 1],
      [20, 1],
      [30, 5],
    ] as const) {
      await backend.save("m", recordsFrom(from, count));
      equal(await backend.load("m"), recordsFrom(from, count), "load after save");
    }
  },

  async "appended records as well as saved ones"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    await backend.append("m", recordsFrom(0, 2));
    await backend.append("m", recordsFrom(2));
    await backend.save("m", recordsFrom(5, 2));
    equal(numbers(await backend.load("m")), [5, 6], "load after save");
    await backend.append("m", recordsFrom(7));
    equal(numbers(await backend.load("m")), [5, 6, 7], "load after an append to it");
    equal(numbers((await backend.read("m", { last: 1 }))?.records), [7], "the newest record");
  },

  async "many times, by any number of records"({ backend }) {
    for (const count of [0, 300, 1, 0, 0, 40, 299, 300, 301, 2, 1, 0, 5]) {
      await backend.save("m", recordsFrom(count, count));
      equal(numbers(await backend.load("m")), numbersFrom(count, count), `load after a save of ${count}`);
      if (!supports(backend, "log")) continue;
      equal(numbers((await backend.read("m"))?.records), numbersFrom(count, count), "read after it");
      await backend.append("m", recordsFrom(7_000));
      equal(numbers(await backend.load("m")), [...numbersFrom(count, count), 7_000], "load after an append to it");
    }
  },

  async "one memory, and no other"({ backend }) {
    const ids = ["a", "ab", "b"];
    for (const id of ids) await backend.save(id, [{ id }]);
    for (let n = 0; n < 5; n++) {
      await backend.save("a", recordsFrom(n, n + 1));
      for (const id of ["ab", "b"]) equal(await backend.load(id), [{ id }], `load of ${id} after a save of a`);
    }
  },

  async "readers see the old log or the new one, never a mixture"({ backend }) {
    const versions = [recordsFrom(0, 40), recordsFrom(1_000, 25)];
    await backend.save("m", versions[0] ?? []);
    let done = false;
    const write = async (): Promise<void> => {
      try {
        for (let round = 1; round <= 30; round++) await backend.save("m", versions[round % 2] ?? []);
      } finally {
        done = true;
      }
    };
    const look = async (): Promise<void> => {
      while (!done) {
        const seen = numbers(await backend.load("m"));
        const whole = versions.some((version) => JSON.stringify(numbers(version)) === JSON.stringify(seen));
        ok(
          whole,
          `a reader saw ${seen?.length ?? "no"} records that are neither the old log nor the new one: ${seen?.slice(0, 5)}…`,
        );
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await Promise.all([write(), look(), look()]);
  },

  async "after several saves at the same time, the log is exactly one of them"({ backend }) {
    const saves = Array.from({ length: 16 }, (_, writer) => recordsFrom(writer * 100, 10));
    await Promise.all(saves.map((records) => backend.save("m", records)));
    const left = numbers(await backend.load("m")) ?? [];
    ok(
      saves.some((records) => JSON.stringify(numbers(records)) === JSON.stringify(left)),
      `after 16 saves at the same time, the log is not one of them: ${left.slice(0, 12)}`,
    );
  },
});

function numbersFrom(from: number, count: number): unknown[] {
  return numbers(recordsFrom(from, count)) ?? [];
}
