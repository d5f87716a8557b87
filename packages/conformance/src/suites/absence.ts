import { supports } from "@deep-agent/core/adapter";
import { equal } from "../expectations.ts";
import { numbers, recordsFrom } from "../kit-records.ts";
import { type Suite, suite } from "../suite.ts";

export const absence: Suite = suite("an absent memory is null, and an empty memory is []", {
  async "a memory that was never written is null for every method"({ backend }) {
    equal(await backend.load("absent"), null, "load");
    if (supports(backend, "log")) {
      equal(await backend.read("absent"), null, "read");
      equal(await backend.read("absent", { last: 5 }), null, "read of the last 5");
    }
    if (supports(backend, "info")) equal(await backend.info("absent"), null, "info");
  },

  async "a revision of another memory does not make an absent one exist"(stage) {
    const { backend } = stage;
    if (!supports(backend, "log")) throw stage.absent("log");
    const revision = await backend.append("m", recordsFrom(0));
    for (const options of [{ since: revision }, { before: revision }, { since: "x" }, { before: "x", last: 1 }])
      equal(await backend.read("absent", options), null, `read with ${Object.keys(options).join(" and ")}`);
    equal(await backend.list(), ["m"], "list");
  },

  async "reading, deleting or touching an absent memory does not create it"({ backend }) {
    for (let time = 0; time < 3; time++) {
      // First, as it would remove what another call creates.
      await backend.delete("absent");
      await backend.load("absent");
      if (supports(backend, "log")) {
        await backend.read("absent");
        await backend.read("absent", { last: 1 });
      }
      if (supports(backend, "info")) await backend.info("absent");
      if (supports(backend, "expiry")) await backend.touch("absent");
      if (supports(backend, "health")) await backend.ping();
      await backend.list({ prefix: "absent" });
      await backend.save("absent", [{ n: 1n }]).catch(() => undefined);
      await backend.save("absent", [], { signal: AbortSignal.abort() }).catch(() => undefined);
      equal(await backend.list(), [], "list");
    }
    equal(await backend.load("absent"), null, "load");
    if (supports(backend, "catalogue"))
      equal(await backend.recent({ limit: 5 }), { memories: [], cursor: null }, "recent");
  },

  async "deleting an absent memory succeeds, repeatedly"({ backend }) {
    equal(await backend.delete("absent"), undefined, "delete");
    await backend.save("m", recordsFrom(0));
    await backend.delete("m");
    equal(await backend.delete("m"), undefined, "a second delete");
  },

  async "an empty memory exists"({ backend }) {
    equal(await backend.save("empty", []), undefined, "what save returns");
    equal(await backend.load("empty"), [], "load");
    equal(await backend.list(), ["empty"], "list");
    if (supports(backend, "log")) {
      const snapshot = await backend.read("empty");
      equal(snapshot?.records, [], "the records of a read");
      equal(snapshot?.reset, false, "reset");
    }
    if (supports(backend, "info")) equal((await backend.info("empty"))?.records, 0, "the records that info counts");
  },

  async "a memory that was emptied exists, too"({ backend }) {
    await backend.save("m", recordsFrom(0, 3));
    await backend.save("m", []);
    equal(await backend.load("m"), [], "load");
    equal(await backend.list(), ["m"], "list");
    await backend.save("m", recordsFrom(7));
    equal(numbers(await backend.load("m")), [7], "load after another save");
  },
});
