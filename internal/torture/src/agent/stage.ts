import type { ChatMessage } from "@copilotkit/aimock";
import type { Random } from "../random.ts";
import type { StoreFault } from "./faulty-backend.ts";
import { type Intent, Ledger } from "./ledger.ts";
import { isStray } from "./outsider.ts";
import { questionText } from "./question.ts";
import { Scheduler } from "./scheduler.ts";
import { peek, type TestStore } from "./stores.ts";
import { expectedWindow, requestProblem, shownInLog, shownInRequest } from "./window-model.ts";

/** An agent's window, with which its requests are judged. `null`: they may differ from the store's newest messages. */
export type WindowOf = (agent: string) => { maxMessages: number } | null;

/** The state that all participants of a schedule share. */
export class Stage {
  readonly random: Random;
  readonly store: TestStore;
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  /** The turns whose model has sent everything that it will send, but hangs. */
  readonly hanging: Set<string> = new Set();
  /** Whether the faults are over: no more faults, and nothing waits at gates. */
  calm = false;
  faults = 0;
  /** Running calls of the store. */
  storeCalls = 0;
  windowOf: WindowOf = () => null;
  readonly #name: string;
  #tokens = 0;

  constructor(name: string, random: Random, store: TestStore) {
    this.#name = name;
    this.random = random;
    this.store = store;
    this.scheduler = new Scheduler(random);
    this.ledger = new Ledger(() => peek(store));
  }

  nextToken(): string {
    this.#tokens += 1;
    return `${this.#name}/${this.#tokens}`;
  }

  park(label: string, signal?: AbortSignal | undefined): Promise<void> {
    if (this.calm) return Promise.resolve();
    return this.scheduler.park(label, signal);
  }

  drawStoreFault(way: "read" | "write"): StoreFault {
    if (this.calm || !this.random.chance(way === "read" ? 0.08 : 0.25)) return "none";
    this.faults += 1;
    if (way === "read") return this.random.pick(["refused", "reply lost"]);
    const hasLog = this.store.backend.append !== undefined;
    const faults: readonly StoreFault[] = ["refused", "request lost", "reply lost", "reply lost", "not durable"];
    return this.random.pick(hasLog ? faults : faults.slice(0, 4));
  }

  async mutate<T>(intent: Intent, write: () => Promise<T>): Promise<T> {
    const result = await this.ledger.watch(intent, write);
    await this.store.written?.();
    return result;
  }

  /**
   * Checks that a request is well-formed, and holds what the store held at some moment since the question was asked.
   */
  judgeRequest(tag: string, sent: readonly ChatMessage[]): void {
    const problem = requestProblem(sent);
    if (problem !== undefined)
      this.ledger.violate("torn", `the request to the model for ${tag} is malformed: ${problem}`);
    const turn = this.ledger.turn(tag);
    const window = this.windowOf(turn.agent);
    if (window === null) return;
    const asked = sent.findLastIndex(({ content }) => content === questionText(turn.question));
    const shown = shownInRequest(sent.slice(0, asked));
    const possible = this.ledger.states
      .slice(turn.askedAt)
      .map((content) => shownInLog(expectedWindow(content, window.maxMessages).filter((message) => !isStray(message))));
    if (!possible.includes(shown)) {
      this.ledger.violate(
        "silentlyWrong",
        `the model was sent a history before ${tag} that the store never held: ${shown}`,
      );
    }
  }
}
