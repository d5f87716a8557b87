import type { MemoryBackend, Message } from "@deep-agent/core";
import type { LogCapability } from "@deep-agent/core/adapter";
import { describe, expect, it } from "@jest/globals";
import { agentSchedules, playWatched, withModelServer } from "../src/agent/agent-schedules.ts";
import type { Violation } from "../src/agent/ledger.ts";
import type { StoreKind, TestStore } from "../src/agent/stores.ts";

const SEED = 1;

type LogStore = MemoryBackend & LogCapability;

/** A store with some of its methods replaced. */
function spoilt(change: (good: LogStore) => Partial<LogStore>): (store: TestStore) => TestStore {
  return (store) => {
    const good = store.backend as LogStore; // only log stores are spoilt so
    const backend: LogStore = {
      load: (id, options) => good.load(id, options),
      save: (id, records, options) => good.save(id, records, options),
      delete: (id, options) => good.delete(id, options),
      list: (options) => good.list(options),
      append: (id, records, options) => good.append(id, records, options),
      read: (id, options) => good.read(id, options),
      ...change(good),
    };
    return { ...store, backend };
  };
}

/** The violations of the first schedule that found any. */
async function firstFind(
  spoil: (store: TestStore) => TestStore,
  { kind, seed = SEED }: { kind: StoreKind; seed?: number },
): Promise<readonly Violation[]> {
  return withModelServer(async (server) => {
    for (let index = 0; index < 150; index++) {
      const { violations } = await playWatched({ seed, index, server, kinds: [kind], spoil });
      if (violations.length > 0) return violations;
    }
    return [];
  });
}

describe("an agent whose model and store misbehave at once", () => {
  it("loses, duplicates and tears nothing in any schedule, and is never silently wrong", async () => {
    const notes: string[] = [];
    const tallies = await agentSchedules({ seed: SEED, scale: 0.075, note: (line) => notes.push(line) });
    expect(notes).toEqual([]);
    expect(tallies.map(({ scenario }) => scenario).sort()).toEqual([
      "agent, file store",
      "agent, in-memory store",
      "agent, plain store",
      "agent, rolling store",
    ]);
    for (const { faults, acknowledged, lost, duplicated, torn, silentlyWrong } of tallies) {
      expect(faults).toBeGreaterThan(20);
      expect(acknowledged).toBeGreaterThan(20);
      expect({ lost, duplicated, torn, silentlyWrong }).toEqual({ lost: 0, duplicated: 0, torn: 0, silentlyWrong: 0 });
    }
  });
});

describe("a schedule", () => {
  it("is the same for the same seed and index", async () => {
    await withModelServer(async (server) => {
      for (let index = 0; index < 10; index++) {
        const play = () => playWatched({ seed: 7, index, server, kinds: ["in-memory", "rolling", "plain"] });
        expect((await play()).lines).toEqual((await play()).lines);
      }
    });
  });

  it("that fails reports what failed, in which program, and how to play it again", async () => {
    const forgetful = spoilt((good) => ({ append: (id, records) => good.append(id, records) }));
    await withModelServer(async (server) => {
      let index = 0;
      for (; index < 80; index++) {
        const { violations } = await playWatched({ seed: SEED, index, server, kinds: ["rolling"], spoil: forgetful });
        if (violations.length > 0) break;
      }
      const notes: string[] = [];
      await agentSchedules({
        seed: SEED,
        scale: 1,
        only: index,
        note: (line) => notes.push(line),
        kinds: ["rolling"],
        spoil: forgetful,
      });
      expect(notes[0]).toBe(`Schedule ${index} of seed ${SEED} failed:`);
      expect(notes).toContain("  store: rolling");
      expect(notes.some((line) => line.startsWith("  agent A ("))).toBe(true);
      expect(notes.at(-1)).toBe(`  again: npx -y pnpm@10.34.9 torture --part agent --seed ${SEED} --only ${index}`);
    });
  });
});

describe("the schedules find a broken store that", () => {
  it("forgets which operations it has done", async () => {
    const forgetful = spoilt((good) => ({ append: (id, records) => good.append(id, records) }));
    expect(await firstFind(forgetful, { kind: "in-memory" })).toContainEqual(
      expect.objectContaining({ kind: "duplicated" }),
    );
  });

  it("looks for an operation only in the present log, after a save that holds the turn", async () => {
    const blind = spoilt((good) => ({
      append: (id, records, { operationId } = {}) => good.append(id, records, { operationId }),
    }));
    const found = await firstFind(blind, { kind: "rolling" });
    expect(found).toContainEqual(expect.objectContaining({ kind: "duplicated" }));
  });

  it("drops a record of an entry", async () => {
    const dropping = spoilt((good) => ({
      append: (id, records, options) => good.append(id, records.length > 2 ? records.slice(0, -1) : records, options),
    }));
    expect(await firstFind(dropping, { kind: "rolling" })).toContainEqual(expect.objectContaining({ kind: "torn" }));
  });

  it("acknowledges what it does not store", async () => {
    let appends = 0;
    const lying = spoilt((good) => ({
      append: async (id, records, options) => {
        appends += 1;
        return appends % 4 === 0 ? ((await good.read(id))?.revision ?? "none") : good.append(id, records, options);
      },
    }));
    expect(await firstFind(lying, { kind: "in-memory" })).toContainEqual(expect.objectContaining({ kind: "lost" }));
  });

  it("brings back what was deleted", async () => {
    let deleted: readonly Message[] = [];
    const reviving = spoilt((good) => ({
      delete: async (id) => {
        deleted = (await good.load(id)) ?? [];
        await good.delete(id);
      },
      append: async (id, records, options) => {
        if (deleted.length > 0 && (await good.load(id)) === null) await good.save(id, deleted);
        deleted = [];
        return good.append(id, records, { operationId: options?.operationId });
      },
    }));
    expect(await firstFind(reviving, { kind: "rolling" })).toContainEqual(
      expect.objectContaining({ kind: "silentlyWrong", what: expect.stringContaining("brought back") }),
    );
  });

  it("answers reads with its previous content", async () => {
    const stale = spoilt((good) => {
      let before: Awaited<ReturnType<LogStore["read"]>> = null;
      return {
        read: async (id, options) => {
          const now = await good.read(id, options);
          const answer = before?.revision === now?.revision ? now : before;
          before = now;
          return answer;
        },
      };
    });
    expect(await firstFind(stale, { kind: "rolling" })).toContainEqual(
      expect.objectContaining({ kind: "silentlyWrong" }),
    );
  });

  it("hides that it has lost acknowledged writes", async () => {
    const hiding = spoilt((good) => ({
      read: async (id, options) => {
        const snapshot = await good.read(id, options);
        return snapshot && { ...snapshot, regressed: false };
      },
    }));
    const found = await firstFind(hiding, { kind: "rolling", seed: 8 });
    expect(found).toContainEqual(expect.objectContaining({ what: expect.stringContaining("loss was not noticed") }));
  });

  it("loses concurrent writes, without the capability log", async () => {
    const racing = (store: TestStore): TestStore => {
      let saves = 0;
      const { backend } = store;
      const save: MemoryBackend["save"] = (id, records, options) => {
        saves += 1;
        return backend.save(id, saves % 3 === 0 ? records.slice(2) : records, options);
      };
      return { ...store, backend: { load: backend.load, delete: backend.delete, list: backend.list, save } };
    };
    expect(await firstFind(racing, { kind: "plain" })).toContainEqual(expect.objectContaining({ kind: "lost" }));
  });
});
