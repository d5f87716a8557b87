import type { ChatMessage } from "@copilotkit/aimock";
import type { Random } from "../random.ts";
import type { StoreFault } from "./faulty-backend.ts";
import { type Intent, Ledger } from "./ledger.ts";
import { isStray } from "./outsider.ts";
import { questionText } from "./question.ts";
import { Scheduler } from "./scheduler.ts";
import { peek, type TestStore } from "./stores.ts";
import { expectedWindow, requestProblem, shownInLog, shownInRequest } from "./window-model.ts";

/** What is known of an agent's window, to judge what it sends. `null`: it may send another one than the store's newest. */
export type WindowOf = (agent: string) => { maxMessages: number } | null;

/** What all that plays in one schedule shares. */
export class Stage {
  readonly random: Random;
  readonly store: TestStore;
  readonly scheduler: Scheduler;
  readonly ledger: Ledger;
  /** The turns whose model has said all that it is going to say, without an end. */
  readonly hanging: Set<string> = new Set();
  /** The storm is over: no more faults, nothing waits. */
  calm = false;
  faults = 0;
  /** Calls of the store under way. */
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

  /** What the server was sent must be well-formed, and what stood in the store at some moment since it was asked. */
  judgeRequest(tag: string, sent: readonly ChatMessage[]): void {
    const problem = requestProblem(sent);
    if (problem !== undefined) this.ledger.violate("torn", `the model was sent, with ${tag}: ${problem}`);
    const turn = this.ledger.turn(tag);
    const window = this.windowOf(turn.agent);
    if (window === null) return;
    const asked = sent.findLastIndex(({ content }) => content === questionText(turn.question));
    const shown = sent.slice(0, asked).map(shownInRequest).join("\n");
    const possible = this.ledger.states.slice(turn.askedAt).map((content) =>
      expectedWindow(content, window.maxMessages)
        .filter((message) => !isStray(message))
        .map(shownInLog)
        .join("\n"),
    );
    if (!possible.includes(shown)) {
      this.ledger.violate(
        "silentlyWrong",
        `the model was sent, before ${tag}, what never stood in the store so: ${shown}`,
      );
    }
  }
}
