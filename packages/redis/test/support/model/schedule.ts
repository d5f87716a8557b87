import { type Message, user } from "@deep-agent/core";
import { backendOver } from "../over-commands.ts";
import { Checker } from "./checker.ts";
import { Client } from "./client.ts";
import { Editor } from "./editor.ts";
import { messagesOf, stateOf } from "./log-state.ts";
import { type LossRates, LossyPort, NO_LOSSES } from "./lossy-port.ts";
import { Random } from "./random.ts";
import { Lane, Scheduler } from "./scheduler.ts";
import { Talker } from "./talker.ts";

export interface Outcome {
  seed: number;
  steps: number;
  violations: readonly string[];
  trace: readonly string[];
}

/** The server of the model: a real one, which nobody else uses. */
export interface Server {
  send(command: readonly string[]): Promise<unknown>;
}

const ID = "m";
const PREFIX = "model:";
const KEY = `${PREFIX}${ID}`;
const TIMEOUT_MS = 600;

/** What one seed makes of the world. */
interface Weather {
  losses: LossRates;
  rollBacks: number;
  expiry: number;
  edits: number;
  deletes: number;
  maxRecords: number | null;
}

/** Some seeds have no faults of one kind, so that those of another are seen by themselves. */
function weatherOf(random: Random): Weather {
  const sometimes = (rate: number): number => (random.chance(0.5) ? rate : 0);
  return {
    losses: { reply: sometimes(0.15), request: sometimes(0.08), late: sometimes(0.15), unsent: sometimes(0.03) },
    rollBacks: random.chance(0.3) ? 0.05 : 0,
    expiry: random.chance(0.3) ? 0.05 : 0,
    edits: random.pick([0, 1, 2, 6]),
    deletes: random.pick([0, 1, 2, 4]),
    maxRecords: random.chance(0.25) ? 8 + random.below(12) : null,
  };
}

/** Lets several processes work on one memory in the order, and with the losses, that the seed decides. */
export async function runSchedule(seed: number, server: Server, ignoreDeadlines = false): Promise<Outcome> {
  await server.send(["FLUSHDB"]);
  return new Schedule(seed, server, ignoreDeadlines).run();
}

/** The schedule that runs, by which local time goes. */
let running: Scheduler | undefined;

/** Stands in for `performance.now()`, in ms. */
export function logicalNow(stepMs: number): number {
  return (running?.time ?? 0) * stepMs;
}

let chances: Random | undefined;

/** Stands in for `Math.random()`. */
export function seededChance(): number {
  return chances?.next() ?? 0;
}

class Schedule {
  readonly #seed: number;
  readonly #server: Server;
  readonly #ignoreDeadlines: boolean;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #scheduler: Scheduler;
  readonly #checker: Checker;
  readonly #rates: { current: LossRates };
  readonly #talkers: Talker[] = [];
  #backup: readonly string[] | undefined;
  #rolledBack = false;
  #names = 0;
  #busy = 0;

  constructor(seed: number, server: Server, ignoreDeadlines: boolean) {
    this.#seed = seed;
    this.#server = server;
    this.#ignoreDeadlines = ignoreDeadlines;
    this.#random = new Random(seed);
    this.#weather = weatherOf(this.#random);
    this.#scheduler = new Scheduler(this.#random);
    this.#checker = new Checker(this.#scheduler, stateOf([], 0));
    this.#rates = { current: NO_LOSSES };
    running = this.#scheduler;
    chances = new Random(seed + 1);
  }

  async run(): Promise<Outcome> {
    await this.#prepare();
    this.#rates.current = this.#weather.losses;
    const { edits, deletes, rollBacks, expiry } = this.#weather;
    const talkers = 2 + this.#random.below(2);
    const editors = edits + deletes > 0 ? 1 + this.#random.below(2) : 0;
    for (let index = 0; index < talkers; index++) this.#startTalker(3 + this.#random.below(6));
    for (let index = 0; index < editors; index++) this.#startEditor(2 + this.#random.below(4));
    if (rollBacks + expiry > 0) this.#onLane("the world", () => this.#turn());
    await this.#scheduler.drain();
    await this.#settle();
    const { violations } = this.#checker;
    return { seed: this.#seed, steps: this.#scheduler.steps, violations, trace: this.#scheduler.trace };
  }

  /** A past: none, a little, or more than a page of it. */
  async #prepare(): Promise<void> {
    const count = this.#random.pick([0, 0, 0, 4, 4, this.#random.chance(0.1) ? 300 : 0]);
    if (count === 0) return;
    const past = Array.from(
      { length: count },
      (_, index): Message => user("before", { id: `past.${index}`, createdAt: 0 }),
    );
    const client = this.#clientOf("past");
    this.#onLane("past", () => client.save(ID, past));
    await this.#scheduler.drain();
  }

  #startTalker(tasks: number): void {
    const random = this.#random;
    const name = String.fromCharCode(97 + this.#names++);
    const talker = new Talker({
      name,
      memoryId: ID,
      client: this.#clientOf(name),
      checker: this.#checker,
      random,
      maxMessages: random.pick([3, 6, Number.POSITIVE_INFINITY]),
      onConflict: random.chance(0.2) ? "throw" : "append",
      retention: this.#weather.maxRecords !== null,
      hasRolledBack: () => this.#rolledBack,
    });
    this.#talkers.push(talker);
    this.#onLane(name, async () => {
      if (random.chance(0.85)) await talker.sync();
      for (let left = tasks; left > 0; left--) {
        await this.#scheduler.step("thinks", () => {});
        const task = random.below(20 + Math.min(this.#weather.deletes, 1));
        if (task < 10) await talker.commit(random.chance(0.2) ? 2 : 1);
        else if (task < 17) await talker.sync();
        else if (task < 20) await talker.flush();
        else await talker.delete();
      }
    });
  }

  #startEditor(tasks: number): void {
    const random = this.#random;
    const name = `E${this.#names++}`;
    const { edits, deletes, maxRecords } = this.#weather;
    const editor = new Editor({
      name,
      memoryId: ID,
      client: this.#clientOf(name),
      checker: this.#checker,
      random,
      retention: maxRecords !== null,
    });
    this.#onLane(name, async () => {
      for (let left = tasks; left > 0; left--) {
        await this.#scheduler.step("thinks", () => {});
        if (random.chance(0.2)) await editor.browse();
        else if (random.next() * (edits + deletes) < edits) await editor.rewrite();
        else await editor.delete();
      }
    });
  }

  /** The world itself, as long as anybody else does anything: memories expire, and failovers put an earlier state back. */
  async #turn(): Promise<void> {
    const { rollBacks, expiry } = this.#weather;
    while (this.#busy > 1) {
      await this.#scheduler.step("the world turns", async () => {
        if (this.#random.chance(expiry)) await this.#replace([], "expired");
        if (rollBacks > 0 && this.#random.chance(0.2)) this.#backup = await this.#elements();
        if (this.#backup !== undefined && this.#random.chance(rollBacks)) await this.#rollBack(this.#backup);
      });
    }
  }

  async #rollBack(backup: readonly string[]): Promise<void> {
    const before = this.#checker.state;
    this.#rolledBack = true;
    await this.#replace(backup, "rolled back");
    for (const talker of this.#talkers) talker.rolledBack(before, this.#checker.state);
  }

  async #replace(elements: readonly string[], by: "rolled back" | "expired"): Promise<void> {
    this.#scheduler.note(`the memory is ${by}`);
    await this.#server.send(["DEL", KEY]);
    if (elements.length > 0) await this.#server.send(["RPUSH", KEY, ...elements]);
    this.#checker.observe(by, stateOf(elements, this.#scheduler.time, this.#checker.state));
  }

  async #elements(): Promise<readonly string[]> {
    return (await this.#server.send(["LRANGE", KEY, "0", "-1"])) as readonly string[]; // as LRANGE answers
  }

  /** The dust settles: nothing gets lost any more, everybody stores what is pending, and looks once more. */
  async #settle(): Promise<void> {
    this.#rates.current = NO_LOSSES;
    for (const talker of this.#talkers) {
      this.#onLane(talker.name, async () => {
        for (let tries = 0; tries < 5 && talker.conversation.pending > 0; tries++) await talker.flush();
        if (talker.conversation.pending > 0)
          this.#checker.violation("4", `${talker.name} cannot store what is pending`);
      });
    }
    await this.#scheduler.drain();
    const last = this.#clientOf("last");
    this.#onLane("last", async () => {
      for (const talker of this.#talkers) await talker.sync();
      await last.load(ID);
      await this.#readByPages(last);
      const exists = this.#checker.state.entries !== null;
      if ((await last.list()).includes(ID) !== exists) this.#checker.violation("4", "list says something else");
      // A roll-back of the key alone leaves the index as it was.
      if (!this.#rolledBack && (await last.recent()).includes(ID) !== exists)
        this.#checker.violation("4", "recent says something else");
    });
    await this.#scheduler.drain();
    if (this.#busy > 0) this.#checker.violation("7", "somebody never had an answer");
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

  #clientOf(name: string): Client {
    const { maxRecords } = this.#weather;
    const scheduler = this.#scheduler;
    const checker = this.#checker;
    const port = new LossyPort({
      scheduler,
      random: this.#random,
      rates: this.#rates,
      send: (command) => this.#server.send(command),
      changed: async (lane) => checker.observe(lane, stateOf(await this.#elements(), scheduler.time, checker.state)),
      standIn: (lane, attempted) => checker.standIn(lane, attempted),
      ignoreDeadlines: this.#ignoreDeadlines,
    });
    const backend = backendOver<Message>(port, { prefix: PREFIX, timeoutMs: TIMEOUT_MS, maxRecords });
    return new Client({ name, scheduler, checker, backend, maxRecords });
  }

  #onLane(name: string, task: () => Promise<void>): void {
    this.#busy += 1;
    const run = async (): Promise<void> => {
      try {
        await this.#scheduler.run(new Lane(name), task);
      } catch (error) {
        this.#checker.violation("7", `${name} fails with ${error instanceof Error ? error.stack : String(error)}`);
      }
      this.#busy -= 1;
    };
    void run();
  }
}
