import { Random } from "../random.ts";
import { AgentPlayer } from "./agent-player.ts";
import { faultyBackend } from "./faulty-backend.ts";
import { FaultyModel } from "./faulty-model.ts";
import type { Violation } from "./ledger.ts";
import type { ModelServer } from "./model-server.ts";
import { Outsider } from "./outsider.ts";
import { describeProgram, drawProgram, type OutsiderStep } from "./program.ts";
import type { Choice } from "./scheduler.ts";
import { Stage } from "./stage.ts";
import { openStore, type StoreKind, type TestStore } from "./stores.ts";
import { isThere } from "./turn-record.ts";

export interface ScheduleOptions {
  seed: number;
  index: number;
  server: ModelServer;
  kinds: readonly StoreKind[];
  /** Wraps the store, for tests which prove that a broken store is found. */
  spoil?: ((store: TestStore) => TestStore) | undefined;
}

export interface ScheduleResult {
  store: StoreKind;
  faults: number;
  acknowledged: number;
  violations: readonly Violation[];
  /** The program and the events, line by line. */
  lines: readonly string[];
}

/** Plays one schedule. The seed and the index determine its small program, and the order of its steps and faults. */
export async function playSchedule(options: ScheduleOptions): Promise<ScheduleResult> {
  const { seed, index, server, kinds, spoil = (store) => store } = options;
  const random = new Random(seed, `agent ${index}`);
  const program = drawProgram(random, kinds);
  await using store = spoil(await openStore(program.store));
  const stage = new Stage(`${seed}-${index}`, random, store);
  const { scheduler, ledger } = stage;
  // A plain store's mutex belongs to one backend object. All agents share that object, as they would in one process.
  const shared = faultyBackend(stage, "the store");
  const players = program.agents.map((plan) => {
    const backend = store.backend.append === undefined ? shared : faultyBackend(stage, plan.name);
    return new AgentPlayer(stage, plan, new FaultyModel(stage, server, plan.name), backend);
  });
  stage.windowOf = (agent) => players.find(({ plan }) => plan.name === agent)?.window ?? null;
  const outside = new OutsideSteps(stage, players, program.outsider);

  await scheduler.run(() => {
    const choices = players.map((player) => player.choices());
    return {
      must: choices.flatMap(({ must }) => must),
      may: [...choices.flatMap(({ may }) => may), ...outside.choices()],
    };
  });
  for (const player of players) {
    if (player.isStuck) ledger.violate("silentlyWrong", `${player.plan.name} waits forever`);
  }
  stage.calm = true;
  if (!players.some(({ isStuck }) => isStuck)) {
    for (const player of players) await player.settle();
    for (const [place, player] of players.entries()) await player.compare(`${player.plan.name}0${place}`);
  }
  judgeEnd(stage);
  const alarms = players.reduce((sum, { regressions }) => sum + regressions, 0);
  if (alarms > 0 && outside.rollBacks === 0 && program.store !== "plain") {
    ledger.violate("silentlyWrong", "a regression was reported, and nothing was rolled back");
  }
  return {
    store: program.store,
    faults: stage.faults,
    acknowledged: ledger.turns.filter(({ status }) => status === "acknowledged").length,
    violations: ledger.violations,
    lines: [...describeProgram(program), ...scheduler.trace.map((line, number) => `${number + 1}. ${line}`)],
  };
}

/** The remaining actions of the outsider, one after another, each some time after the previous one. */
class OutsideSteps {
  readonly #stage: Stage;
  readonly #players: readonly AgentPlayer[];
  readonly #steps: OutsiderStep[];
  readonly #outsider: Outsider;
  /** How many events must happen before the next step. */
  #pause: number;

  constructor(stage: Stage, players: readonly AgentPlayer[], steps: readonly OutsiderStep[]) {
    this.#stage = stage;
    this.#players = players;
    this.#steps = [...steps];
    this.#outsider = new Outsider(stage);
    this.#pause = this.#drawPause();
  }

  get rollBacks(): number {
    return this.#outsider.rollBacks;
  }

  choices(): Choice[] {
    const [step] = this.#steps;
    if (step === undefined || this.#pause-- > 0) return [];
    // Core's fallback for plain stores is documented as unsafe with other processes, so the outsider waits while it
    // writes.
    if (this.#stage.store.backend.append === undefined && this.#stage.storeCalls > 0) return [];
    return [{ label: `outsider: ${step}`, happen: () => void this.#stage.scheduler.busy(this.#perform(step)) }];
  }

  #drawPause(): number {
    return this.#stage.random.below(25);
  }

  async #perform(step: OutsiderStep): Promise<void> {
    this.#steps.shift();
    this.#pause = this.#drawPause();
    const { ledger } = this.#stage;
    const before = ledger.turns.filter(isThere);
    const { rollBacks } = this;
    await this.#outsider.perform(step);
    if (step === "append" || step === "remember") return;
    const lost = before.filter((turn) => !isThere(turn));
    for (const player of this.#players) {
      if (this.rollBacks > rollBacks) player.storeRolledBack(lost);
      else if (step !== "roll back") player.storeReplaced();
    }
  }
}

/**
 * Checks that each acknowledged turn was stored, that no turn that was given up ever was, and that turns are in order.
 * The ledger has already checked that a turn only disappears if it is taken away.
 */
function judgeEnd({ ledger }: Stage): void {
  const places = new Map(ledger.content.map(({ id }, place) => [String(id), place]));
  const last = new Map<string, number>();
  for (const turn of ledger.turns) {
    const { question, status, stays, agent } = turn;
    if (status === "void" && stays.length > 0) ledger.violate("torn", `${question.tag} was given up, but was stored`);
    if (status === "asked" || status === "pending")
      ledger.violate("lost", `${question.tag} is neither stored nor refused`);
    if (status !== "acknowledged") continue;
    if (stays.length === 0) ledger.violate("lost", `${question.tag} was acknowledged, but never stored`);
    const place = places.get(String(turn.messages[0]?.id));
    if (place === undefined) continue;
    if (place < (last.get(agent) ?? -1))
      ledger.violate("silentlyWrong", `${question.tag} is stored before an earlier question`);
    last.set(agent, place);
  }
}
