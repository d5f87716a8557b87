import { Agent, type MemoryBackend, MemoryError, type Reply } from "@deep-agent/core";
import type { FaultyModel } from "./faulty-model.ts";
import type { Violation } from "./ledger.ts";
import { isHarmless } from "./model-server.ts";
import type { AgentPlan, AgentStep } from "./program.ts";
import { answerText, type Question, questionText, roundText, runLook, stopText } from "./question.ts";
import type { Choice } from "./scheduler.ts";
import type { Stage } from "./stage.ts";
import { memoryId } from "./stores.ts";
import type { TurnRecord } from "./turn-record.ts";
import { expectedWindow } from "./window-model.ts";

/** A running call of the agent. */
interface Call {
  step: AgentStep;
  controller: AbortController;
  /** After how many more events the call is aborted; `null` if it is not aborted. */
  abortIn: number | null;
}

type Outcome<T> = { value: T } | { error: unknown };

/** Carries out one agent's plan, and compares what the agent reports with what it promises. */
export class AgentPlayer {
  readonly plan: AgentPlan;
  readonly #stage: Stage;
  readonly #model: FaultyModel;
  readonly #backend: MemoryBackend;
  readonly #steps: AgentStep[];
  readonly #calls = new Set<Call>();
  #agent: Agent;
  /** The turns of the present agent, in the order in which they were asked. */
  #turns: TurnRecord[] = [];
  /** The state of the store when a call of the agent last settled. The agent's next call began no earlier. */
  #settledAt = 0;
  #cleared = false;
  #regressions = 0;
  /** Whether the store lost a turn that the agent knows to be stored, and nothing else explains that it is gone. */
  #mustNotice = false;

  constructor(stage: Stage, plan: AgentPlan, model: FaultyModel, backend: MemoryBackend) {
    this.#stage = stage;
    this.plan = plan;
    this.#model = model;
    this.#backend = backend;
    this.#steps = [...plan.steps];
    this.#agent = this.#newAgent();
  }

  get #now(): number {
    return this.#stage.ledger.now;
  }

  /** What its requests must hold; `null` if they may differ from the store's newest messages. */
  get window(): { maxMessages: number } | null {
    return this.plan.autoSave && !this.#cleared ? { maxMessages: this.plan.maxHistory } : null;
  }

  get regressions(): number {
    return this.#regressions;
  }

  /** Whether calls are running that nothing will end. */
  get isStuck(): boolean {
    return this.#calls.size > 0;
  }

  /** What the agent may do next, and what it must do now: abort the calls that are due for it. */
  choices(): { must: Choice[]; may: Choice[] } {
    const must: Choice[] = [];
    const may: Choice[] = [];
    for (const call of this.#calls) {
      const abort = { label: `${this.plan.name} aborts ${nameOf(call.step)}`, happen: () => this.#abort(call) };
      if (call.controller.signal.aborted) continue;
      if (call.abortIn !== null && call.abortIn-- <= 0) must.push(abort);
      else if (call.step.do === "ask" && this.#stage.hanging.has(call.step.question.tag)) may.push(abort);
    }
    const [step] = this.#steps;
    const isFree = [...this.#calls].every((call) => call.step.do === "ask" && !call.step.waits);
    if (step !== undefined && (step.do === "restart" ? this.#calls.size === 0 : isFree)) {
      may.push({ label: `${this.plan.name}: ${nameOf(step)}`, happen: () => this.#start() });
    }
    return { must, may };
  }

  /** Called with the turns that the store lost. */
  storeRolledBack(lost: readonly TurnRecord[]): void {
    const known = lost.some((turn) => this.#turns.includes(turn) && turn.status === "acknowledged");
    if (known && !this.#cleared && this.plan.autoSave) this.#mustNotice = true;
  }

  /** Called after the memory was deleted or replaced. */
  storeReplaced(): void {
    this.#mustNotice = false;
  }

  /** Checks that without faults every pending turn is stored, and that RAM and the store hold the same. */
  async settle(): Promise<void> {
    for (let tries = this.plan.onConflict === "throw" ? this.#turns.length : 0; tries >= 0; tries--) {
      const began = this.#now;
      const saved = await outcomeOf(this.#agent.saveLongMemory());
      if ("value" in saved) {
        this.#acknowledge(this.#turns, began);
        return;
      }
      if (tries === 0) this.#violate("lost", `cannot save without faults: ${String(saved.error)}`);
      else this.#expect(MemoryError.is(saved.error, "SAVE_FAILED"), saved.error, "save");
    }
  }

  async compare(tag: string): Promise<void> {
    const question: Question = { tag, rounds: [], words: 1 };
    const turn = this.#stage.ledger.open(this.plan.name, question, this.#now);
    this.#turns.push(turn);
    const asked = await outcomeOf(this.#agent.ask(questionText(question)));
    if (!("value" in asked)) return this.#violate("lost", `cannot ask without faults: ${String(asked.error)}`);
    turn.status = "pending";
    const saved = await outcomeOf(this.#agent.saveLongMemory());
    if ("error" in saved) return this.#violate("lost", `cannot save without faults: ${String(saved.error)}`);
    this.#acknowledge(this.#turns, turn.askedAt);
    if (!this.#cleared) this.#compareHistory("after an ask");
    const loaded = await outcomeOf(this.#agent.loadLongMemory());
    if ("error" in loaded) return this.#violate("lost", `cannot load without faults: ${String(loaded.error)}`);
    this.#compareHistory("after loading");
  }

  #compareHistory(when: string): void {
    const expected = expectedWindow(this.#stage.ledger.content, this.plan.maxHistory);
    const ids = this.#agent.getHistory().map(({ id }) => id);
    if (ids.join() === expected.map(({ id }) => id).join()) return;
    this.#violate(
      "silentlyWrong",
      `its history (${ids.length} messages) differs from the store's end (${expected.length} messages) ${when}`,
    );
  }

  #start(): void {
    const step = this.#steps.shift();
    if (step === undefined) return;
    if (step.do === "clear") {
      this.#agent.clear();
      this.#cleared = true;
      this.#mustNotice = false;
    } else if (step.do === "restart") {
      this.#restart();
    } else {
      const abortIn = "abortAfter" in step ? step.abortAfter : null;
      const call: Call = { step, controller: new AbortController(), abortIn };
      this.#calls.add(call);
      void this.#perform(call).finally(() => this.#calls.delete(call));
    }
  }

  #abort({ controller, step }: Call): void {
    controller.abort(new Error(step.do === "ask" ? stopText(step.question) : `Stop to ${step.do}.`));
  }

  async #perform(call: Call): Promise<void> {
    const { step, controller } = call;
    const { signal } = controller;
    const began = this.#now;
    const earlier = [...this.#turns];
    if (step.do === "ask") return this.#ask(step, signal, earlier);
    if (step.do === "save") {
      const saved = await outcomeOf(this.#agent.saveLongMemory({ signal }));
      if ("value" in saved) this.#acknowledge(earlier, Math.max(began, this.#settledAt));
      else this.#expect(saved.error === signal.reason || this.#isSaveFailure(saved.error), saved.error, "save");
    } else if (step.do === "load") {
      const loaded = await outcomeOf(this.#agent.loadLongMemory());
      this.#mustNotice = false;
      if ("value" in loaded) this.#cleared = false;
      else this.#expect(isStoreError(loaded.error), loaded.error, "load");
    } else {
      const deleted = await outcomeOf(this.#agent.deleteLongMemory());
      this.#mustNotice = false;
      if ("value" in deleted) {
        this.#cleared = false;
        for (const turn of earlier.filter(({ status }) => status === "pending")) {
          turn.status = "unsure";
          turn.doomedAt = this.#now;
        }
      } else this.#expect(isStoreError(deleted.error), deleted.error, "delete");
    }
    this.#settledAt = this.#now;
  }

  async #ask(step: Extract<AgentStep, { do: "ask" }>, signal: AbortSignal, earlier: TurnRecord[]): Promise<void> {
    const { question, how } = step;
    const { ledger } = this.#stage;
    const turn = ledger.open(this.plan.name, question, this.#now);
    this.#turns.push(turn);
    const mustNotice = this.#mustNotice;
    const seen = { text: "", left: false };
    const asked = await outcomeOf(
      how === "ask" ? this.#agent.ask(questionText(question), { signal }) : this.#read(step, signal, seen),
    );
    const began = Math.max(turn.askedAt, this.#settledAt);
    this.#settledAt = this.#now;
    if ("value" in asked) {
      if (asked.value !== answerText(question)) this.#violate("lost", `${question.tag} was answered by ${asked.value}`);
      if (how === "stream" && seen.text !== asked.value)
        this.#violate("lost", `${question.tag} was streamed as ${seen.text}`);
      this.#answered(turn, earlier, began);
      if (mustNotice && this.#mustNotice)
        this.#violate("silentlyWrong", `the store's loss was not noticed by ${question.tag}`);
      return;
    }
    this.#judgeFailure(turn, asked.error, {
      aborted: asked.error === signal.reason || isLeaving(asked.error, seen),
      began,
      earlier,
    });
  }

  async #read(
    { question, how }: Extract<AgentStep, { do: "ask" }>,
    signal: AbortSignal,
    seen: { text: string; left: boolean },
  ): Promise<string> {
    const stream = this.#agent.stream(questionText(question), { signal });
    const leaveAfter = 1 + this.#stage.random.below(4);
    const reading = (async () => {
      let pieces = 0;
      for await (const piece of stream) {
        seen.text += piece;
        pieces += 1;
        seen.left = how === "leave" && pieces === leaveAfter;
        if (seen.left) break;
      }
    })();
    const [, reply] = await Promise.allSettled([reading, stream.reply]);
    if (reply.status === "rejected") throw reply.reason;
    // Rounds of tools may have text too, which is streamed but is not part of the reply's text.
    seen.text = seen.text.endsWith(reply.value.text) ? reply.value.text : seen.text;
    return reply.value.text;
  }

  #judgeFailure(
    turn: TurnRecord,
    error: unknown,
    { aborted, began, earlier }: { aborted: boolean; began: number; earlier: TurnRecord[] },
  ): void {
    const { tag } = turn.question;
    if (MemoryError.is(error, "SAVE_FAILED")) {
      this.#judgeReply(turn, error.reply);
      turn.status = this.plan.onConflict === "throw" ? "unsure" : "pending";
      if (turn.status === "pending" && !error.retryable) this.#violate("lost", `${tag} was given up`);
    } else if (aborted && this.plan.onAbort === "keep" && turn.hasSpoken) {
      this.#answered(turn, earlier, began);
    } else {
      turn.status = "void";
      if (turn.stays.length > 0) this.#violate("torn", `${tag} failed, and is stored: ${String(error)}`);
      const modelFailed = !isHarmless(turn.modelFault) && isModelFailure(error);
      this.#expect(aborted || modelFailed || this.#isLoadFailure(error), error, tag);
    }
  }

  /**
   * After an answer, the turn is stored. If the caller saves by hand, it is still pending, and with the conflict policy
   * "throw" it may be given up.
   */
  #answered(turn: TurnRecord, earlier: readonly TurnRecord[], began: number): void {
    const { autoSave, onConflict } = this.plan;
    turn.status = autoSave || onConflict === "append" ? "pending" : "unsure";
    if (autoSave) this.#acknowledge([...earlier, turn], began);
  }

  #judgeReply({ question }: TurnRecord, reply: Reply | undefined): void {
    const whole = answerText(question);
    // The reply of an aborted turn is its last message. It may be empty, after a message that had text.
    const isPart =
      reply?.message.status === "aborted" &&
      [whole, ...roundTexts(question)].some((text) => text.startsWith(reply.text));
    if (!isPart && reply?.text !== whole)
      this.#violate("lost", `the reply to ${question.tag} did not reach the caller`);
  }

  /** Records that a call that began at that state reported the pending turns among these as stored. */
  #acknowledge(turns: readonly TurnRecord[], began: number): void {
    for (const turn of turns) if (turn.status === "pending") this.#stage.ledger.acknowledge(turn, began);
  }

  #restart(): void {
    for (const turn of this.#turns) if (turn.status === "pending") turn.status = "unsure";
    this.#turns = [];
    this.#agent = this.#newAgent();
    this.#cleared = false;
    this.#mustNotice = false;
  }

  #newAgent(): Agent {
    const { maxHistory, onAbort, onConflict, autoSave: autoSaveLongMemory } = this.plan;
    const agent = new Agent({
      model: this.#model,
      longMemory: memoryId,
      backend: this.#backend,
      autoSaveLongMemory,
      maxHistory,
      onAbort,
      onConflict,
      onRegression: () => {
        this.#regressions += 1;
        this.#mustNotice = false;
      },
    });
    return agent.withTool({
      name: "look",
      execute: async (_args, { toolCallId, signal }) => {
        const heeds = this.#stage.random.chance(0.5);
        await this.#stage.park(`${this.plan.name} runs ${toolCallId}`, heeds ? signal : undefined);
        return runLook(toolCallId);
      },
    });
  }

  #isSaveFailure(error: unknown): boolean {
    return MemoryError.is(error, "SAVE_FAILED") && error.reply === undefined;
  }

  #isLoadFailure(error: unknown): boolean {
    return isStoreError(error) || (this.plan.onConflict === "throw" && MemoryError.is(error, "CONFLICT"));
  }

  #expect(isExpected: boolean, error: unknown, what: string): void {
    if (!isExpected) this.#violate("silentlyWrong", `${what} rejected with an unexpected error: ${String(error)}`);
  }

  #violate(kind: Violation["kind"], what: string): void {
    this.#stage.ledger.violate(kind, `${this.plan.name}: ${what}`);
  }
}

async function outcomeOf<T>(call: Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await call };
  } catch (error) {
    return { error };
  }
}

function roundTexts(question: Question): string[] {
  return question.rounds.map((_, round) => roundText(question, round) ?? "");
}

function isStoreError(error: unknown): boolean {
  return MemoryError.is(error, "UNAVAILABLE") || MemoryError.is(error, "DURABILITY");
}

/** The SDK's own error, or that for an answer which broke off or is not understood. */
function isModelFailure(error: unknown): boolean {
  return MemoryError.is(error) ? error.code === "INVALID_ANSWER" : nameOfError(error) !== undefined;
}

function isLeaving(error: unknown, { left }: { left: boolean }): boolean {
  return left && nameOfError(error) === "AbortError";
}

/** The name of an error of any realm; `undefined` if the value is not an error. */
function nameOfError(error: unknown): string | undefined {
  const { name } = (error ?? {}) as { name?: unknown };
  return typeof name === "string" ? name : undefined;
}

function nameOf(step: AgentStep): string {
  return step.do === "ask" ? `${step.how} ${step.question.tag}` : step.do;
}
