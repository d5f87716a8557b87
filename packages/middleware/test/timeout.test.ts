import { InMemoryBackend } from "@deep-agent/in-memory";
import { describe, expect, it } from "@jest/globals";
import { withTimeout } from "../src/index.ts";
import { type Note, notes, rejectionOf } from "./support/stores.ts";

/** A store of which nothing comes, that takes note of the signals that it is given. */
class SilentBackend extends InMemoryBackend<Note> {
  readonly signals: AbortSignal[] = [];

  override load(_id: string, options?: { signal?: AbortSignal | undefined }): Promise<never> {
    return this.#silence(options);
  }

  override append(
    _id: string,
    _records: readonly Note[],
    options?: { signal?: AbortSignal | undefined },
  ): Promise<never> {
    return this.#silence(options);
  }

  override close(): Promise<never> {
    return this.#silence();
  }

  #silence(options: { signal?: AbortSignal | undefined } = {}): Promise<never> {
    if (options.signal) this.signals.push(options.signal);
    return new Promise(() => {});
  }
}

describe("a call of which nothing comes", () => {
  it("ends in time, and is aborted; of a write it is not known what became", async () => {
    const store = new SilentBackend();
    const backend = withTimeout(store, 20);
    const error = await rejectionOf(backend.load("alice"));
    expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied", retryable: true, memoryId: "alice" });
    expect(String(error)).toContain('load of memory "alice" within 20 ms');
    expect(await rejectionOf(backend.append("alice", notes(0, 1)))).toMatchObject({ outcome: "unknown" });
    expect(store.signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect(await rejectionOf(backend.close())).toMatchObject({ code: "UNAVAILABLE" });
  });

  it("ends before, where its caller aborts it, with the caller's reason", async () => {
    const controller = new AbortController();
    const loading = rejectionOf(withTimeout(new SilentBackend(), 60_000).load("alice", { signal: controller.signal }));
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await loading).toBe(reason);
  });

  it("keeps no process alive once it has ended", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    const backend = withTimeout(new InMemoryBackend<Note>(), 2 ** 31 - 1);
    await backend.save("alice", notes(0, 1));
    expect(timers()).toBe(before);
  });
});

describe("a time limit", () => {
  it("is refused where it is no time", () => {
    for (const timeoutMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "1s" as unknown as number])
      expect(() => withTimeout(new InMemoryBackend(), timeoutMs)).toThrow(
        expect.objectContaining({ code: "INVALID_CONFIG" }),
      );
  });
});
