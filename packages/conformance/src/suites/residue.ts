import { supports } from "@deep-agent/core/adapter";
import { ok } from "../expectations.ts";
import { recordsFrom } from "../kit-records.ts";
import type { Stage } from "../stage.ts";
import { type Suite, suite } from "../suite.ts";

export const residue: Suite = suite(
  "delete leaves nothing of a memory in the store",
  {
    async "nothing of saved, appended and replaced records"(stage) {
      const { backend } = stage;
      const before = await keptWithoutMemories(stage);
      for (const id of ["m", "user:42", "a/b", "é", "x".repeat(1_000)]) {
        await backend.save(id, recordsFrom(0, 20));
        await backend.save(id, recordsFrom(5, 3));
        if (supports(backend, "log")) {
          await backend.append(id, recordsFrom(8), { operationId: "op" });
          await backend.append(id, recordsFrom(8), { operationId: "op" });
        }
        if (supports(backend, "expiry")) await backend.touch(id);
        await backend.load(id);
        await backend.delete(id);
      }
      await expectNothingNew(stage, before);
    },

    async "nothing of a memory that never existed"(stage) {
      const { backend } = stage;
      const before = await keptWithoutMemories(stage);
      await backend.load("absent");
      await backend.delete("absent");
      await backend.list();
      if (supports(backend, "info")) await backend.info("absent");
      if (supports(backend, "catalogue")) await backend.recent({ limit: 5, prefix: "absent" });
      if (supports(backend, "expiry")) await backend.touch("absent");
      await backend.save("absent", [{ n: 1n }]).catch(() => undefined);
      await backend.save("absent", [], { signal: AbortSignal.abort() }).catch(() => undefined);
      if (supports(backend, "log")) {
        await backend.read("absent", { last: 1 });
        await backend.append("absent", recordsFrom(0), { since: "x", operationId: "op" }).catch(() => undefined);
        await backend.append("absent", recordsFrom(0), { expectedRevision: "x" }).catch(() => undefined);
        await backend.save("absent", [], { expectedRevision: "x", operationId: "op" }).catch(() => undefined);
      }
      await expectNothingNew(stage, before);
    },

    async "nothing of a memory that was written many times, and deleted many times"(stage) {
      const { backend } = stage;
      const before = await keptWithoutMemories(stage);
      for (let time = 0; time < 4; time++) {
        for (let n = 0; n < 8; n++) {
          await backend.save("m", recordsFrom(n, n));
          if (!supports(backend, "log")) continue;
          await backend.save("m", recordsFrom(n, n + 1), { operationId: `save-${n}` });
          await backend.append("m", recordsFrom(n), { operationId: `op-${n}` });
          await backend.append("m", recordsFrom(n), { since: "x" }).catch(() => undefined);
          await backend.read("m", { last: 2 });
        }
        if (supports(backend, "info")) await backend.info("m");
        if (supports(backend, "catalogue")) await backend.recent({ limit: 1 });
        await backend.delete("m");
        await backend.delete("m");
      }
      await expectNothingNew(stage, before);
    },
  },
  "residue",
);

/** What the store keeps when it holds no memory. The first write may create some of it. */
async function keptWithoutMemories(stage: Stage): Promise<ReadonlySet<string> | undefined> {
  await stage.backend.save("first", recordsFrom(0));
  await stage.backend.delete("first");
  return stage.residue();
}

async function expectNothingNew(stage: Stage, before: ReadonlySet<string> | undefined): Promise<void> {
  const left = [...((await stage.residue()) ?? [])].filter((name) => !before?.has(name));
  ok(left.length === 0, `the store still keeps ${left.length} names, such as ${JSON.stringify(left.slice(0, 3))}`);
}
