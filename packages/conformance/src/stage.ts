import {
  type Capability,
  capabilityMethods,
  type MemoryBackend,
  requiredMethods,
  supports,
} from "@deep-agent/core/adapter";
import { Absent } from "./absent.ts";
import { Elsewhere } from "./elsewhere/elsewhere.ts";
import type { ElsewhereTarget, FileUrl } from "./elsewhere/elsewhere-target.ts";
import { OtherProcess } from "./elsewhere/other-process.ts";
import { broken, equal } from "./expectations.ts";
import type { KitRecord } from "./kit-records.ts";
import { type Recorder, recorded } from "./recorder.ts";
import { type AnyBackend, type ConformanceTarget, checkBackend, type TtlTarget } from "./target.ts";

/** The methods of a backend that are called in another process. */
const methodNames = [...requiredMethods, ...Object.values(capabilityMethods).flat()].filter(
  (name) => typeof name === "string" && name !== "close",
);

/** What a stage knows of the run that it belongs to. */
export interface StageOptions {
  /** The module that exports the target. Only needed for an `elsewhere` without `module`. */
  readonly module?: string | FileUrl | undefined;
  /** Aborted at the end of the test, even of one that took too long and left its store as it is. */
  readonly ended?: AbortSignal | undefined;
}

/** An empty store for one test, and the backends on it. */
export class Stage<B extends MemoryBackend<KitRecord> = MemoryBackend<KitRecord>> {
  readonly target: ConformanceTarget;
  /** The backend under test; its calls are recorded. */
  readonly backend: B;
  readonly #recorder: Recorder;
  readonly #options: StageOptions;
  /** The unrecorded backend that the target opened. The target removes the store by it. */
  readonly #first: AnyBackend;
  #others: AnyBackend[] = [];
  #processes: OtherProcess[] = [];
  /** The stage that replaced this one. */
  #successor: Stage | undefined;
  #isClosed = false;

  private constructor(target: ConformanceTarget, recorder: Recorder, first: AnyBackend, options: StageOptions) {
    this.target = target;
    this.#recorder = recorder;
    this.#options = options;
    this.#first = first;
    // Before a test runs, it is checked that the backend has the capability in B.
    this.backend = recorded(first, recorder) as unknown as B;
  }

  static async open(target: ConformanceTarget, recorder: Recorder, options: StageOptions = {}): Promise<Stage> {
    return new Stage(target, recorder, checkBackend(await target.open()), options);
  }

  /** Replaces this stage by one whose memories expire. A target has one store at a time. */
  async expiring(ttlMs: number): Promise<Stage<B>> {
    await this.close();
    const ttl = this.target.ttl as TtlTarget; // the suite requires it
    const stage = new Stage<B>(this.target, this.#recorder, checkBackend(await ttl.open(ttlMs)), this.#options);
    this.#successor = stage as unknown as Stage;
    return stage;
  }

  /** Forgets the calls until now, which do not belong to the next ones. */
  forgetCalls(): void {
    this.#recorder.clear();
  }

  /** Adds a remark to the test, even if it passes: for instance that it could try few calls. */
  remark(text: string): void {
    this.#recorder.remark(text);
  }

  /**
   * The names of everything that the store keeps, or `undefined` if the target cannot tell. The target gets the backend
   * that it opened, not the recorded one.
   */
  async residue(): Promise<ReadonlySet<string> | undefined> {
    const names = await this.target.residue?.(this.#first);
    return names && new Set(names);
  }

  /** Makes the store lose the newest entry of a memory. */
  async lose(memoryId: string): Promise<void> {
    await this.target.lose?.(this.#first, memoryId);
  }

  /** A second backend on the store, beside the first. */
  async another(): Promise<B> {
    const other = checkBackend(await this.target.reopen?.(this.#first));
    if (other === this.#first) broken("`reopen` returned the same instance instead of a second one");
    this.#others.push(other);
    return recorded(other, this.#recorder, `backend${this.#others.length + 1}`) as unknown as B;
  }

  /** A second backend on the store, after the first was closed. */
  async reopened(): Promise<B> {
    const { backend } = this as Stage;
    if (supports(backend, "lifecycle")) await backend.close();
    return this.another();
  }

  /** A backend on the store in another process, which ends with the test. */
  async elsewhere(): Promise<Elsewhere<B>> {
    const target = this.target.elsewhere as ElsewhereTarget; // the suite requires it
    const { module = this.#options.module as string | FileUrl } = target; // `checkTarget` has found one of the two
    const args = (await target.args?.(this.#first)) ?? [];
    const other = await OtherProcess.open(target, module, args);
    this.#processes.push(other);
    const { ended } = this.#options;
    ended?.addEventListener("abort", () => void other.kill(), { once: true });
    if (ended?.aborted) await other.kill();
    const lacks = methodNames.find((name) => !other.methods.includes(name) && Reflect.get(this.#first, name));
    if (lacks !== undefined) broken(`the backend that \`elsewhere\` opens in another process has no ${lacks}`);
    return new Elsewhere<B>(other, this.#recorder);
  }

  /** The error that ends a test of an absent capability. Throws if the backend has any method of it. */
  absent(capability: Capability): Absent {
    for (const method of capabilityMethods[capability]) {
      const value: unknown = Reflect.get(this.#first, method);
      equal(value, undefined, `${String(method)}, a method of the absent capability ${capability},`);
    }
    return new Absent(`the backend has no ${capability}`);
  }

  /**
   * Ends the other processes, closes every backend, then removes the store. Rejects with the first failure after
   * everything was tried.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return this.#successor?.close();
    this.#isClosed = true;
    const closings = [...this.#others, this.#first].map((backend) => async () => {
      if (supports(backend, "lifecycle")) await backend.close();
    });
    const endings = this.#processes.map((other) => async () => other.close());
    const failures: unknown[] = [];
    for (const step of [...endings, ...closings, async () => this.target.close?.(this.#first)]) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
