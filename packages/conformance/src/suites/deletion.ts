import { supports } from "@deep-agent/core/adapter";
import { equal, sameMembers } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";

export const deletion: Suite = suite("delete removes one memory, and all of it", {
  async "a deleted memory is gone for every method"({ backend }) {
    await backend.save("m", recordsFrom(0, 3));
    equal(await backend.delete("m"), undefined, "what delete returns");
    equal(await backend.load("m"), null, "load");
    equal(await backend.list(), [], "list");
    if (supports(backend, "log")) equal(await backend.read("m", { last: 1 }), null, "read");
    if (supports(backend, "info")) equal(await backend.info("m"), null, "info");
    if (supports(backend, "catalogue")) equal((await backend.recent({ limit: 5 })).memories, [], "recent");
  },

  async "appended entries are gone, too"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    for (let n = 0; n < 5; n++) await backend.append("m", recordsFrom(n));
    await backend.delete("m");
    equal(await backend.load("m"), null, "load");
    equal(await backend.list(), [], "list");
  },

  async "a new memory of the same id begins empty"({ backend }) {
    await backend.save("m", recordsFrom(0, 3));
    await backend.delete("m");
    await backend.save("m", recordsFrom(7));
    equal(numbers(await backend.load("m")), [7], "load");
    await backend.delete("m");
    if (!supports(backend, "log")) return;
    await backend.append("m", recordsFrom(8));
    equal(numbers(await backend.load("m")), [8], "load of the records that were appended after a delete");
  },

  async "memories with similar ids stay"({ backend }) {
    for (const [deleted, ...others] of [
      ["user", "user:42", "user/42", "user-42", "user2", "use", "User", "user "],
      ["vic*", "vic", "victor", "vic?", "victim:1"],
      ["a?c", "abc", "a?", "a?c?"],
      ["[ab]", "a", "b", "[ab", "\\[ab]"],
      ["%", "a", "_", "%25"],
      [".", "..", "a.b", "./"],
    ] as const) {
      for (const id of [deleted, ...others]) await backend.save(id, [{ id }]);
      await backend.delete(deleted);
      equal(await backend.load(deleted), null, `load of ${JSON.stringify(deleted)} after its delete`);
      for (const id of others) {
        equal(
          await backend.load(id),
          [{ id }],
          `load of ${JSON.stringify(id)} after ${JSON.stringify(deleted)} was deleted`,
        );
      }
      sameMembers(await backend.list(), others, `list after the delete of ${JSON.stringify(deleted)}`);
      for (const id of others) await backend.delete(id);
    }
  },

  async "a memory that is deleted and made again and again begins empty each time"({ backend }) {
    for (let time = 0; time < 10; time++) {
      await backend.save("m", recordsFrom(time, 2));
      if (supports(backend, "log")) {
        await backend.append("m", recordsFrom(100 + time));
        equal(numbers(await backend.load("m")), [time, time + 1, 100 + time], `load after ${time} deletes`);
      } else {
        equal(numbers(await backend.load("m")), [time, time + 1], `load after ${time} deletes`);
      }
      await backend.delete("m");
      equal(await backend.load("m"), null, `load after ${time + 1} deletes`);
      equal(await backend.list(), [], `list after ${time + 1} deletes`);
      if (supports(backend, "log")) equal(await backend.read("m"), null, `read after ${time + 1} deletes`);
    }
  },

  async "a large memory, and an empty one"({ backend }) {
    await backend.save("large", recordsFrom(0, 5_000));
    await backend.save("empty", []);
    if (supports(backend, "log")) await backend.append("large", recordsFrom(5_000, 5_000));
    for (const id of ["large", "empty"]) {
      await backend.delete(id);
      equal(await backend.load(id), null, `load of the ${id} memory`);
      if (supports(backend, "log")) equal(await backend.read(id), null, `read of the ${id} memory`);
    }
    equal(await backend.list(), [], "list");
  },

  async "several deletes at the same time"({ backend }) {
    await backend.save("m", recordsFrom(0, 3));
    await Promise.all(Array.from({ length: 8 }, () => backend.delete("m")));
    equal(await backend.load("m"), null, "load");
  },
});
