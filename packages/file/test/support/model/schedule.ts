import { type Message, user } from "@deep-agent/core";
import { FileBackend } from "../../../src/index.ts";
import { Checker } from "./checker.ts";
import { Client } from "./client.ts";
import { Editor } from "./editor.ts";
import { type FaultRates, FaultyDisk, NO_FAULTS } from "./faulty-disk.ts";
import { messagesOf } from "./log-state.ts";
import { type DiskSnapshot, MemoryDisk, type ModelDisk } from "./memory-disk.ts";
import { Random } from "./random.ts";
import { Lane, Scheduler, type SimulatedProcess } from "./scheduler.ts";
import { Talker } from "./talker.ts";

export interface Outcome {
  seed: number;
  steps: number;
  compactions: number;
  violations: readonly string[];
  trace: readonly string[];
}

const ID = "m";
export const DIRECTORY = "/memories";

/** What can happen in the schedule of one seed. */
interface Weather {
  faults: FaultRates;
  losses: number;
  rollBacks: number;
  ageing: number;
  edits: number;
  deletes: number;
  compactions: number;
  /** The `compactAt` of the backends. */
  compactAt: number | false;
}

/** Some seeds have no faults of one kind, so that faults of another kind occur alone. */
function weatherOf(random: Random): Weather {
  const sometimes = (rate: number): number => (random.chance(0.5) ? rate : 0);
  return {
    faults: { kill: sometimes(0.004), freeze: sometimes(0.03), shortWrite: sometimes(0.08), ioError: sometimes(0.008) },
    losses: sometimes(0.35),
    rollBacks: random.chance(0.3) ? 0.01 : 0,
    ageing: random.chance(0.3) ? 0.02 : 0,
    edits: random.pick([0, 1, 2, 6]),
    deletes: random.pick([0, 1, 2, 4]),
    compactions: random.pick([0, 1, 2, 4]),
    compactAt: random.pick([false, 0, 0.5]),
  };
}

/** Lets several processes work on one memory. The seed decides their order and the faults. */
export async function runSchedule(seed: number, disk: ModelDisk = new MemoryDisk(DIRECTORY)): Promise<Outcome> {
  return new Schedule(seed, disk).run();
}

class Schedule {
  readonly #seed: number;
  readonly #disk: ModelDisk;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #scheduler: Scheduler;
  readonly #checker: Checker;
  readonly #faults: { rates: FaultRates };
  readonly #losses: { rate: number };
  readonly #crew: {
    name: string;
    tasksLeft: number;
    process: SimulatedProcess;
    talker: Talker | undefined;
    client: Client;
  }[] = [];
  #backup: DiskSnapshot | undefined;
  #rolledBack = false;
  #names = 0;

  constructor(seed: number, disk: ModelDisk) {
    this.#seed = seed;
    this.#disk = disk;
    this.#random = new Random(seed);
    this.#weather = weatherOf(this.#random);
    this.#scheduler = new Scheduler(this.#random);
    this.#checker = new Checker(disk, this.#scheduler);
    this.#faults = { rates: NO_FAULTS };
    this.#losses = { rate: 0 };
  }

  async run(): Promise<Outcome> {
    await this.#prepare();
    this.#faults.rates = this.#weather.faults;
    this.#losses.rate = this.#weather.losses;
    const talkers = 2 + this.#random.below(2);
    const editors =
      this.#weather.edits + this.#weather.deletes + this.#weather.compactions + this.#weather.ageing > 0
        ? 1 + this.#random.below(2)
        : 0;
    for (let index = 0; index < talkers; index++) this.#startTalker(3 + this.#random.below(6));
    for (let index = 0; index < editors; index++) this.#startEditor(2 + this.#random.below(4));
    await this.#scheduler.drain(() => this.#between());
    await this.#settle();
    const { violations, compactions } = this.#checker;
    return { seed: this.#seed, steps: this.#scheduler.time, compactions, violations, trace: this.#scheduler.trace };
  }

  /** Stores earlier messages: none, some, or more than a page. */
  async #prepare(): Promise<void> {
    const count = this.#random.pick([0, 0, 0, 4, 4, this.#random.chance(0.1) ? 300 : 0]);
    if (count === 0) return;
    const past = Array.from(
      { length: count },
      (_, index): Message => user("before", { id: `past.${index}`, createdAt: 0 }),
    );
    const client = this.#clientOf({ name: "past", alive: true });
    void this.#onLane("past", client.process, () => client.save(ID, past));
    await this.#scheduler.drain();
  }

  #startTalker(tasks: number, before?: { client: Client; talker: Talker }): void {
    const random = this.#random;
    const name = String.fromCharCode(97 + this.#names++);
    const client = this.#clientOf({ name, alive: true });
    const talker = new Talker({
      name,
      memoryId: ID,
      client,
      checker: this.#checker,
      random,
      maxMessages: random.pick([3, 6, Number.POSITIVE_INFINITY]),
      onConflict: random.chance(0.2) ? "throw" : "append",
      hasRolledBack: () => this.#rolledBack,
    });
    const member = { name, tasksLeft: tasks, process: client.process, talker, client };
    this.#crew.push(member);
    const work = async (): Promise<void> => {
      if (before !== undefined) await this.#retryAfterKill(client, before);
      if (random.chance(0.85)) await talker.sync();
      while (member.tasksLeft > 0) {
        await this.#scheduler.step("thinks", () => {});
        member.tasksLeft -= 1;
        const task = random.below(20 + Math.min(this.#weather.deletes, 1));
        if (task < 10) await talker.commit(random.chance(0.2) ? 2 : 1);
        else if (task < 17) await talker.sync();
        else if (task < 20) await talker.flush();
        else await talker.delete();
      }
    };
    void this.#onLane(name, client.process, work);
  }

  #startEditor(tasks: number): void {
    const random = this.#random;
    const name = `E${this.#names++}`;
    const client = this.#clientOf({ name, alive: true });
    const editor = new Editor({ name, memoryId: ID, client, checker: this.#checker, random });
    const member = { name, tasksLeft: tasks, process: client.process, talker: undefined, client };
    this.#crew.push(member);
    const { edits, deletes, compactions, ageing } = this.#weather;
    const work = async (): Promise<void> => {
      while (member.tasksLeft > 0) {
        await this.#scheduler.step("thinks", () => {});
        member.tasksLeft -= 1;
        const task = random.next() * (edits + deletes + compactions + (ageing > 0 ? 2 : 0));
        if (random.chance(0.2)) await editor.browse();
        else if (task < edits) await editor.rewrite();
        else if (task < edits + deletes) await editor.delete();
        else if (task < edits + deletes + compactions) await editor.compact();
        else await editor.list();
      }
    };
    void this.#onLane(name, client.process, work);
  }

  /**
   * The successor of a process may finish its pending turns: as the same operations, with the `since` of the first
   * attempts.
   */
  async #retryAfterKill(client: Client, { client: dead, talker }: { client: Client; talker: Talker }): Promise<void> {
    for (const turn of talker.pending) {
      const [operationId, tried] =
        [...dead.tried].find(([, { records }]) => records[0]?.id === turn.messages[0]?.id) ?? [];
      if (operationId === undefined || tried === undefined) return;
      const start = this.#checker.time;
      try {
        await client.append(ID, tried.records, tried.options);
      } catch (error) {
        this.#checker.explain(`${talker.name}'s successor`, error);
        return;
      }
      this.#checker.acknowledge(turn, start);
    }
  }

  /** Lets faults happen to the whole disk, and replaces killed processes. Returns whether a process was replaced. */
  #between(): boolean {
    this.#weatherStrikes();
    const dead = this.#crew.filter(({ process }) => !process.alive);
    for (const member of dead) {
      this.#crew.splice(this.#crew.indexOf(member), 1);
      const { talker, client, tasksLeft } = member;
      const tasks = Math.max(tasksLeft, 1);
      if (talker === undefined) this.#startEditor(tasks);
      else this.#startTalker(tasks, this.#random.chance(0.5) ? { client, talker } : undefined);
    }
    return dead.length > 0;
  }

  #weatherStrikes(): void {
    const { rollBacks, ageing } = this.#weather;
    if (rollBacks > 0 && this.#random.chance(0.05)) this.#backup = this.#disk.snapshot();
    if (this.#backup !== undefined && this.#random.chance(rollBacks)) this.#rollBack(this.#backup);
    if (this.#random.chance(ageing)) {
      this.#scheduler.note("two days pass");
      this.#disk.age();
      this.#checker.disturb();
    }
  }

  #rollBack(backup: DiskSnapshot): void {
    const before = this.#checker.state;
    this.#rolledBack = true;
    this.#disk.restore(backup);
    this.#scheduler.note("an earlier state is put back");
    this.#checker.observe(undefined);
    for (const { talker } of this.#crew) talker?.rolledBack(before, this.#checker.state);
  }

  /** The end of the schedule: no call fails any more, every process stores its pending turns, and reads once more. */
  async #settle(): Promise<void> {
    this.#faults.rates = NO_FAULTS;
    this.#losses.rate = 0;
    for (const { name, talker, client } of this.#crew) {
      if (talker === undefined) continue;
      client.reopen();
      void this.#onLane(name, client.process, async () => {
        for (let tries = 0; tries < 5 && talker.conversation.pending > 0; tries++) await talker.flush();
        if (talker.conversation.pending > 0) this.#checker.violation("4", `${name} cannot store its pending turns`);
      });
    }
    await this.#scheduler.drain();
    const last = this.#clientOf({ name: "last", alive: true });
    void this.#onLane("last", last.process, async () => {
      for (const { talker } of this.#crew) await talker?.sync();
      await last.load(ID);
      await this.#readByPages(last);
      const listed = (await last.list()).includes(ID);
      if (listed !== (this.#checker.state.entries !== null))
        this.#checker.violation("4", `the memory is ${listed ? "" : "not "}listed`);
    });
    await this.#scheduler.drain();
    const stuck = this.#crew.filter(({ tasksLeft }) => tasksLeft > 0).map(({ name }) => name);
    if (stuck.length > 0) this.#checker.violation("7", `${stuck} never got an answer`);
  }

  async #readByPages(client: Client): Promise<void> {
    const pages: Message[][] = [];
    let page = await client.read(ID, { last: 3 });
    while (page !== null) {
      pages.unshift(page.records);
      page = page.start === null ? null : await client.read(ID, { last: 3, before: page.start });
    }
    const { entries } = this.#checker.state;
    if (JSON.stringify(pages.flat()) !== JSON.stringify(messagesOf(entries)))
      this.#checker.violation("8", "the pages do not make the log");
  }

  #clientOf(process: SimulatedProcess): Client {
    const open = (): FileBackend =>
      new FileBackend({
        directory: this.#disk.directory,
        compactAt: this.#weather.compactAt,
        compactMinBytes: 0,
        fileSystem: new FaultyDisk({
          disk: this.#disk,
          scheduler: this.#scheduler,
          random: this.#random,
          faults: this.#faults,
          changed: (lane) => this.#checker.observe(lane),
        }),
      });
    return new Client({
      process,
      scheduler: this.#scheduler,
      checker: this.#checker,
      random: this.#random,
      losses: this.#losses,
      open,
    });
  }

  async #onLane(name: string, process: SimulatedProcess, task: () => Promise<void>): Promise<void> {
    try {
      await this.#scheduler.run(new Lane(name, process), task);
    } catch (error) {
      this.#checker.violation("7", `${name} fails with ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
}
