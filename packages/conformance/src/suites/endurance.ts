import { supports } from "@deep-agent/core/adapter";
import { equal, ok, sameMembers } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";
import { callsOf } from "./calls.ts";

/** How often a call is made: more often than the sizes of most caches, buffers and windows. */
const CALLS = 300;

/** How many calls run at the same time: more than the connections of most pools. */
const AT_ONCE = 200;

export const endurance: Suite = suite("every call is like the first one, however many came before", {
  async "saves and loads of one memory"({ backend }) {
    for (let n = 0; n < CALLS / 2; n++) {
      await backend.save("m", recordsFrom(n, 1 + (n % 3)));
      equal(numbers(await backend.load("m")), numbers(recordsFrom(n, 1 + (n % 3))), `load after ${n + 1} saves`);
    }
    equal(await backend.list(), ["m"], "list");
    if (supports(backend, "info")) equal((await backend.info("m"))?.records, 3, "the records that info counts");
  },

  async "loads of memories that do not change, and of absent ones"({ backend }) {
    await backend.save("a", recordsFrom(1));
    await backend.save("b", recordsFrom(2));
    for (let n = 0; n < CALLS; n++) {
      equal(numbers(await backend.load("a")), [1], `load of one memory, for the ${n + 1}th time`);
      equal(numbers(await backend.load("b")), [2], `load of the other memory, for the ${n + 1}th time`);
      equal(await backend.load("absent"), null, `load of an absent memory, for the ${n + 1}th time`);
    }
  },

  async "appends to one log, with windows, pages and what is new after each"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    const revisions: string[] = [];
    for (let n = 0; n < CALLS; n++) {
      revisions.push(
        await backend.append("m", recordsFrom(n), { operationId: `op-${n}`, since: revisions.at(-1) ?? null }),
      );
      const since = revisions[Math.max(0, n - 3)];
      const snapshot = await backend.read("m", { since });
      equal(
        numbers(snapshot?.records),
        numbers(recordsFrom(Math.max(1, n - 2), Math.min(n, 3))),
        `the newest entries after ${n + 1} appends`,
      );
      equal([snapshot?.reset, snapshot?.regressed], [false, false], `reset and regressed after ${n + 1} appends`);
    }
    equal(new Set(revisions).size, CALLS, "the number of different revisions");
    equal(numbers(await backend.load("m")), numbers(recordsFrom(0, CALLS)), "load");
    for (const last of [1, 63, 64, 65, 127, 128, 129, 255, 256, 257, CALLS]) {
      const window = await backend.read("m", { last });
      equal(numbers(window?.records), numbers(recordsFrom(CALLS - last, last)), `read of the last ${last}`);
      if (window === null || window.start === null) continue;
      const page = await backend.read("m", { before: window.start, last });
      const from = Math.max(0, CALLS - 2 * last);
      equal(numbers(page?.records), numbers(recordsFrom(from, CALLS - last - from)), `the page of ${last} before it`);
    }
    for (const [n, since] of revisions.entries()) {
      if (n % 17 !== 0) continue;
      const snapshot = await backend.read("m", { since });
      equal(numbers(snapshot?.records), numbers(recordsFrom(n + 1, CALLS - n - 1)), `read since entry ${n}`);
    }
    if (supports(backend, "info")) equal((await backend.info("m"))?.records, CALLS, "the records that info counts");
  },

  async "replacements of a log, each with appends, and with another revision each time"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    const seen = new Set<string>();
    for (let n = 0; n < CALLS / 3; n++) {
      await backend.save("m", recordsFrom(n));
      const saved = (await backend.read("m"))?.revision ?? "";
      const appended = await backend.append("m", recordsFrom(n + 1), { expectedRevision: saved });
      for (const revision of [saved, appended]) {
        ok(!seen.has(revision), `revision ${revision} returns after ${n} replacements`);
        seen.add(revision);
      }
      equal(numbers(await backend.load("m")), [n, n + 1], `load after ${n} replacements`);
    }
  },

  async "memories that come and go"({ backend }) {
    await backend.save("stays", recordsFrom(0));
    for (let n = 0; n < CALLS / 3; n++) {
      const id = `m${n % 7}`;
      await backend.save(id, recordsFrom(n));
      equal(numbers(await backend.load(id)), [n], `load after ${n} memories were deleted`);
      await backend.delete(id);
      equal(await backend.load(id), null, `load of a deleted memory, after ${n} others were deleted`);
    }
    equal(await backend.list(), ["stays"], "list");
    equal(numbers(await backend.load("stays")), [0], "load of the memory that stays");
  },

  async "the same answer to every method, each time"({ backend }) {
    for (let n = 0; n < 30; n++) {
      await backend.save("m", recordsFrom(0));
      for (const [method, call] of callsOf(backend)) {
        const answer: unknown = await call();
        if (method === "save" || method === "delete" || method === "touch")
          equal(answer, undefined, `what ${method} returns for the ${n + 1}th time`);
        else ok(answer !== undefined && answer !== null, `${method} returns ${answer} for the ${n + 1}th time`);
      }
      equal(await backend.list(), [], `list after ${n + 1} deletes`);
    }
  },

  async "many calls at the same time"({ backend }) {
    const ids = Array.from({ length: AT_ONCE }, (_, index) => `m${index}`);
    // The memories differ in their length, too.
    const contents = ids.map((id, index) => Array.from({ length: 1 + (index % 5) }, () => ({ id })));
    await Promise.all(ids.map((id, index) => backend.save(id, contents[index] ?? [])));
    for (let time = 0; time < 3; time++) {
      const loaded = await Promise.all(ids.map((id) => backend.load(id)));
      for (const [index, id] of ids.entries())
        equal(loaded[index], contents[index], `load of ${id}, beside many others`);
    }
    if (supports(backend, "log")) {
      await Promise.all(ids.map((id) => backend.append(id, [{ of: id }])));
      const read = await Promise.all(ids.map((id) => backend.read(id, { last: 1 })));
      for (const [index, id] of ids.entries())
        equal(read[index]?.records, [{ of: id }], `read of ${id}, beside many others`);
    }
    if (supports(backend, "info")) {
      const appended = supports(backend, "log") ? 1 : 0;
      const facts = await Promise.all(ids.map((id) => backend.info(id)));
      for (const [index, id] of ids.entries()) {
        const count = (contents[index]?.length ?? 0) + appended;
        equal(facts[index]?.records, count, `the records that info counts of ${id}, beside many others`);
      }
    }
    sameMembers(await backend.list(), ids, "list");
    await Promise.all(ids.map((id) => backend.delete(id)));
    equal(await backend.list(), [], "list after many deletes at the same time");
  },
});
