import { type Capability, capabilityMethods, type MemoryBackend, supports } from "@deep-agent/core/adapter";
import { Absent } from "./absent.ts";
import { broken, equal } from "./expectations.ts";
import type { KitRecord } from "./kit-records.ts";
import { type Recorder, recorded } from "./recorder.ts";
import { type AnyBackend, type ConformanceTarget, checkBackend, type TtlTarget } from "./target.ts";

/** What a test works on: an empty store of its own, and the backends on it. */
export class Stage<B extends MemoryBackend<KitRecord> = MemoryBackend<KitRecord>> {
  readonly target: ConformanceTarget;
  /** The backend under test; its calls are recorded. */
  readonly backend: B;
  readonly #recorder: Recorder;
  /** Whose store the target removes, and what else was opened on it. */
  readonly #first: AnyBackend;
  #others: AnyBackend[] = [];
  /** What has taken the place of this one. */
  #successor: Stage | undefined;
  #isClosed = false;

  private constructor(target: ConformanceTarget, recorder: Recorder, first: AnyBackend) {
    this.target = target;
    this.#recorder = recorder;
    this.#first = first;
    // Whether it has the capability that B speaks of is asked before a test runs.
    this.backend = recorded(first, recorder) as unknown as B;
  }

  static async open(target: ConformanceTarget, recorder: Recorder): Promise<Stage> {
    return new Stage(target, recorder, checkBackend(await target.open()));
  }

  /** A stage whose memories expire, in the place of this one, and of another such: a target has one store at a time. */
  async expiring(ttlMs: number): Promise<Stage<B>> {
    await this.close();
    const ttl = this.target.ttl as TtlTarget; // the suite asks for it
    const stage = new Stage<B>(this.target, this.#recorder, checkBackend(await ttl.open(ttlMs)));
    this.#successor = stage as unknown as Stage;
    return stage;
  }

  /** What was called until now has nothing to do with what comes. */
  forgetCalls(): void {
    this.#recorder.clear();
  }

  /** Something that should be known of the test, though it passes: that it saw little. */
  remark(text: string): void {
    this.#recorder.remark(text);
  }

  /** The names of all that the store keeps, if the target can tell. The target is given the very backend that it opened. */
  async residue(): Promise<ReadonlySet<string> | undefined> {
    const names = await this.target.residue?.(this.#first);
    return names && new Set(names);
  }

  /** Has the store lose the newest entry of a memory. */
  async lose(memoryId: string): Promise<void> {
    await this.target.lose?.(this.#first, memoryId);
  }

  /** A second backend on the store, beside the first. */
  async another(): Promise<B> {
    const other = checkBackend(await this.target.reopen?.(this.#first));
    if (other === this.#first) broken("`reopen` gave the very instance that it was to give a second one of");
    this.#others.push(other);
    return recorded(other, this.#recorder, `backend${this.#others.length + 1}`) as unknown as B;
  }

  /** A second backend on the store, after the first was closed. */
  async reopened(): Promise<B> {
    const { backend } = this as Stage;
    if (supports(backend, "lifecycle")) await backend.close();
    return this.another();
  }

  /** What a test ends with where the capability is absent. Throws where any of its methods is there. */
  absent(capability: Capability): Absent {
    for (const method of capabilityMethods[capability]) {
      const value: unknown = Reflect.get(this.#first, method);
      equal(value, undefined, `${String(method)}, as the capability ${capability} is absent`);
    }
    return new Absent(`the backend has no ${capability}`);
  }

  /** Closes every backend, then has the store removed. Rejects with the first failure, when all was tried. */
  async close(): Promise<void> {
    if (this.#isClosed) return this.#successor?.close();
    this.#isClosed = true;
    const closings = [...this.#others, this.#first].map((backend) => async () => {
      if (supports(backend, "lifecycle")) await backend.close();
    });
    const failures: unknown[] = [];
    for (const step of [...closings, async () => this.target.close?.(this.#first)]) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
