import { readdirSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { FileBackend } from "../src/index.ts";
import { temporaryDirectory } from "./support/backends.ts";
import { Random } from "./support/model/random.ts";
import { checkTurns, type Said } from "./support/turns.ts";
import { Worker } from "./support/worker.ts";
import type { AgentWorkerOptions } from "./workers/agent.worker.ts";
import type { AppendOptions } from "./workers/append.worker.ts";
import type { RewriteOptions } from "./workers/rewrite.worker.ts";

const ID = "shared";
const KB = 1024;
const SMALL = [0, 40, 300, 5 * KB];

function range(count: number, from = 0): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

function appender(options: Omit<AppendOptions, "memoryId"> & Partial<AppendOptions>): Worker {
  return new Worker("append", { memoryId: ID, ...options } satisfies AppendOptions);
}

async function ready(workers: readonly Worker[]): Promise<void> {
  await Promise.all(workers.map((worker) => worker.until((lines) => lines.includes("ready"))));
}

describe("eight processes that append to one memory", () => {
  const TURNS = 100;
  /** From 4 KB to 8 MB: most turns have some kilobytes, four in a hundred one to eight megabytes. */
  const sizes = range(TURNS)
    .map((turn) => ({ 15: 1, 45: 2, 75: 4, 90: 8 })[turn] ?? 0)
    .map((mb, turn) => (mb > 0 ? mb * KB * KB : 4 * KB + ((turn * 3701) % (12 * KB))));

  it("lose, double and tear nothing, and keep each writer's order", async () => {
    const directory = temporaryDirectory();
    const writers = range(8).map((index) => `w${index}-`);
    const workers = writers.map((writer) =>
      appender({ directory, durability: "sync", writer, from: 0, count: TURNS, sizes }),
    );
    await ready(workers);
    for (const worker of workers) worker.tell("go");
    await Promise.all(workers.map((worker) => worker.end()));
    const stored = checkTurns((await new FileBackend<Said>(directory).load(ID)) ?? [], sizes);
    expect(new Map([...stored].sort())).toEqual(new Map(writers.map((writer) => [writer, range(TURNS)])));
  }, 300_000);
});

describe.each(["sync", "os"] as const)("processes killed at any moment, with durability %s", (durability) => {
  const KILLS = 24;
  const WRITERS = ["x", "y", "z"];

  it("have stored every acknowledged turn once, whole and in order, and a retried turn is not doubled", async () => {
    const directory = temporaryDirectory();
    const random = new Random(durability === "sync" ? 11 : 12);
    const lives = WRITERS.map((writer) => live(directory, durability, writer, KILLS / WRITERS.length, random));
    const reports = new Map((await Promise.all(lives)).map(({ writer, ...turns }) => [writer, turns]));
    const stored = checkTurns((await new FileBackend<Said>(directory).load(ID)) ?? [], SMALL);
    for (const writer of WRITERS) {
      const { tried, acknowledged } = reports.get(writer) ?? { tried: [], acknowledged: [] };
      expect(acknowledged.length).toBeGreaterThan(KILLS / WRITERS.length);
      expect(stored.get(writer)).toEqual(expect.arrayContaining(acknowledged));
      expect(tried).toEqual(expect.arrayContaining(stored.get(writer) ?? []));
    }
  }, 300_000);
});

/**
 * Runs one writer in several processes, one after the other. Each but the last is killed. The turn that a killed
 * process did not finish is tried again as the same operation, or dropped.
 */
async function live(directory: string, durability: "sync" | "os", writer: string, kills: number, random: Random) {
  const tried = new Set<number>();
  const acknowledged = new Set<number>();
  let next: Pick<AppendOptions, "from" | "since"> = { from: 0 };
  for (let life = 0; life <= kills; life++) {
    const last = life === kills;
    const worker = appender({ directory, durability, writer, sizes: SMALL, ...next, ...(last && { count: 3 }) });
    await ready([worker]);
    worker.tell("go");
    if (last) await worker.end();
    else {
      const turns = random.below(12);
      await worker.until(() => worker.numbers("ack").length >= turns);
      await new Promise((resolve) => setTimeout(resolve, random.next() * 8)); // so that it is killed at any moment
      await worker.kill();
    }
    for (const turn of worker.numbers("try")) tried.add(turn);
    for (const turn of worker.numbers("ack")) acknowledged.add(turn);
    const [, turn = "0", since = "null"] = worker.lines.findLast((line) => line.startsWith("try "))?.split(" ") ?? [];
    const open = tried.size > acknowledged.size && !acknowledged.has(Number(turn)) && worker.numbers("try").length > 0;
    if (open && random.chance(0.5)) next = { from: Number(turn), since: since === "null" ? null : since };
    else if (worker.numbers("try").length > 0) next = { from: Number(turn) + 1 };
  }
  return { writer, tried: [...tried], acknowledged: [...acknowledged] };
}

describe("processes that append, save and delete one memory at once, and are killed", () => {
  const ROUNDS = 10;

  it("always leave a log of whole entries, and in the end every turn acknowledged after the last delete and save", async () => {
    const directory = temporaryDirectory();
    const random = new Random(21);
    const reader = new FileBackend<Said>(directory);
    let writing = true;
    let reads = 0;
    const reading = (async () => {
      for (; writing; reads++) checkTurns((await reader.load(ID)) ?? [], SMALL);
    })();
    for (let round = 0; round < ROUNDS; round++) {
      const from = round * 100_000;
      const rewriting = { directory, memoryId: ID, from, sizes: SMALL };
      const writer = (name: string): Worker =>
        appender({ directory, durability: "os", writer: name, from, sizes: SMALL });
      const workers = [
        writer("x"),
        writer("y"),
        new Worker("rewrite", { ...rewriting, writer: "saver", deletes: false } satisfies RewriteOptions),
        new Worker("rewrite", { ...rewriting, writer: "deleter", deletes: true } satisfies RewriteOptions),
      ] as const;
      await ready(workers);
      for (const worker of workers) worker.tell("go");
      await Promise.all(workers.map((worker) => worker.until(() => worker.numbers("ack").length >= 3)));
      const [x, y, saver, deleter] = workers;
      if (random.chance(0.5)) await x.kill();
      await Promise.all([saver, deleter].map((worker) => endSomehow(worker, random)));
      // From here on no turn is removed any more.
      const since = y.numbers("ack").at(-1) ?? 0;
      await y.until(() => (y.numbers("ack").at(-1) ?? 0) >= since + 5);
      await Promise.all([endSomehow(x, random), endSomehow(y, random)]);
      const stored = checkTurns((await reader.load(ID)) ?? [], SMALL).get("y");
      const acknowledged = y.numbers("ack").filter((turn) => turn > since + 1);
      expect(stored).toEqual(expect.arrayContaining(acknowledged));
    }
    writing = false;
    await reading;
    expect(reads).toBeGreaterThan(ROUNDS);
  }, 300_000);
});

describe("eight processes that append, save, delete and compact the same memories, and are killed", () => {
  const ROUNDS = Number(process.env["COMPACTION_ROUNDS"] ?? 3);

  /** The turns of each writer that are stored. */
  async function kept(directory: string, memoryId: string): Promise<Map<string, number[]>> {
    return checkTurns((await new FileBackend<Said>(directory).load(memoryId)) ?? [], SMALL);
  }

  it("lose, double and reorder nothing that was acknowledged", async () => {
    const directory = temporaryDirectory();
    const random = new Random(31);
    const generations = new Set<string>();
    let kills = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const from = round * 100_000;
      const appends = { directory, durability: "os", from, sizes: SMALL } as const;
      // In one memory every stored turn stays, so all turns are checked. In the other, turns are replaced and deleted,
      // too.
      const workers = [
        ...["k", "l", "m"].map((writer) => appender({ ...appends, memoryId: "kept", writer, compactEach: 2 })),
        ...["x", "y"].map((writer) => appender({ ...appends, writer, compactEach: 3 })),
        ...["s", "t"].map(
          (writer) =>
            new Worker("rewrite", {
              ...appends,
              memoryId: ID,
              writer,
              deletes: false,
              compacts: true,
            } satisfies RewriteOptions),
        ),
        new Worker("rewrite", { ...appends, memoryId: ID, writer: "d", deletes: true } satisfies RewriteOptions),
      ];
      await ready(workers);
      for (const worker of workers) worker.tell("go");
      await Promise.all(workers.map((worker) => worker.until(() => worker.numbers("ack").length >= 4)));
      const [k, l, m, x, y, ...rewriters] = workers as [Worker, Worker, Worker, Worker, Worker, ...Worker[]];
      // One compactor of each memory is killed while all the others go on, then the workers that save and delete.
      await Promise.all([k, x].map((worker) => worker.kill()));
      await Promise.all(rewriters.map((worker) => worker.kill()));
      kills += 2 + rewriters.length;
      const since = y.numbers("ack").at(-1) ?? 0;
      await Promise.all([l, m, y].map((worker) => moves(worker, 6)));
      for (const name of readdirSync(directory)) generations.add(name);
      for (const worker of [l, m, y]) {
        const dies = random.chance(0.5);
        if (dies) kills += 1;
        await (dies ? worker.kill() : stop(worker));
      }
      const stored = await kept(directory, "kept");
      for (const [writer, worker] of [
        ["k", k],
        ["l", l],
        ["m", m],
      ] as const)
        expect(stored.get(writer)).toEqual(expect.arrayContaining(worker.numbers("ack")));
      const acknowledged = y.numbers("ack").filter((turn) => turn > since + 1);
      expect((await kept(directory, ID)).get("y")).toEqual(expect.arrayContaining(acknowledged));
      // Half-made files of killed workers do not keep others from going on.
      await new FileBackend<Said>(directory).save("kept", (await new FileBackend<Said>(directory).load("kept")) ?? []);
    }
    const numbers = [...generations].map((name) => Number(/\.(\d+)\.jsonl$/.exec(name)?.[1] ?? 0));
    expect(Math.max(...numbers)).toBeGreaterThan(ROUNDS);
    expect(kills).toBeGreaterThanOrEqual(5 * ROUNDS);
  }, 300_000);

  async function moves(worker: Worker, turns: number): Promise<void> {
    const before = worker.numbers("ack").length;
    await worker.until(() => worker.numbers("ack").length >= before + turns);
  }

  async function stop(worker: Worker): Promise<void> {
    worker.tell("stop");
    await worker.end();
  }
});

async function endSomehow(worker: Worker, random: Random): Promise<void> {
  if (random.chance(0.5)) return worker.kill();
  worker.tell("stop");
  await worker.until(() => true);
  await worker.end().catch((error: unknown) => {
    if (!String(error).includes("SIGKILL")) throw error; // it was killed before
  });
}

describe("two agents in two processes on one memory", () => {
  const asked = (lines: readonly string[], text: string): unknown[] | undefined =>
    lines
      .filter((line) => line.startsWith("["))
      .map((line) => JSON.parse(line) as unknown[])
      .find((sent) => sent.at(-1) === text);

  it("keep each other's turns, and see them from the next ask on", async () => {
    const directory = temporaryDirectory();
    const workers = range(2).map(() => new Worker("agent", { directory, memoryId: ID } satisfies AgentWorkerOptions));
    const [a, b] = workers as [Worker, Worker];
    const ask = async (worker: Worker, text: string): Promise<unknown[]> => {
      worker.tell(text);
      await worker.until((lines) => asked(lines, text) !== undefined);
      return asked(worker.lines, text) ?? [];
    };
    await ready(workers);
    expect(await ask(a, "a1")).toEqual(["a1"]);
    expect(await ask(b, "b1")).toEqual(["a1", "re: a1", "b1"]);
    expect(await ask(a, "a2")).toEqual(["a1", "re: a1", "b1", "re: b1", "a2"]);

    const texts = range(15).map((turn) => `${turn}`);
    await Promise.all(texts.flatMap((text) => [ask(a, `a-${text}`), ask(b, `b-${text}`)]));
    const seen = [await ask(a, "a-last"), await ask(b, "b-last")];
    const stored = ((await new FileBackend(directory).load(ID)) ?? []).map(({ content }) => content);
    expect(stored).toHaveLength(2 * (3 + 2 * texts.length + 2));
    expect(seen).toEqual([stored.slice(0, -3), stored.slice(0, -1)]);
    for (const writer of ["a", "b"]) {
      const turns = stored.filter((content) => String(content).startsWith(`${writer}-`));
      expect(turns).toEqual([...texts, "last"].map((text) => `${writer}-${text}`));
    }
    for (const [index, content] of stored.entries())
      if (index % 2 === 1) expect(content).toBe(`re: ${stored[index - 1]}`);
    await Promise.all(workers.map((worker) => worker.kill()));
  }, 300_000);
});
