import { InMemoryBackend } from "@deep-agent/in-memory";
import { describe, expect, it } from "@jest/globals";
import { withTimeout } from "../src/index.ts";
import { type Note, notes, rejectionOf } from "./support/stores.ts";

/** A store that never answers, and records the signals that it is given. */
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

  override touch(_id: string, options?: { signal?: AbortSignal | undefined }): Promise<never> {
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

describe("a call that is never answered", () => {
  it("is aborted in time; the outcome of a write is then unknown", async () => {
    const store = new SilentBackend();
    const backend = withTimeout(store, 20);
    const error = await rejectionOf(backend.load("alice"));
    expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied", retryable: true, memoryId: "alice" });
    expect(String(error)).toContain('load of memory "alice" timed out after 20 ms');
    expect(await rejectionOf(backend.append("alice", notes(0, 1)))).toMatchObject({ outcome: "unknown" });
    expect(await rejectionOf(backend.touch("alice"))).toMatchObject({ outcome: "unknown" });
    expect(store.signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
    expect(await rejectionOf(backend.close())).toMatchObject({ code: "UNAVAILABLE" });
  });

  it("ends earlier if the caller aborts it, with the caller's reason", async () => {
    const controller = new AbortController();
    const loading = rejectionOf(withTimeout(new SilentBackend(), 60_000).load("alice", { signal: controller.signal }));
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await loading).toBe(reason);
  });

  it("keeps no process alive after it has ended", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
    const before = timers();
    const backend = withTimeout(new InMemoryBackend<Note>(), 2 ** 31 - 1);
    await backend.save("alice", notes(0, 1));
    expect(timers()).toBe(before);
  });
});

describe("a time limit", () => {
  it("is rejected if it is not a valid time", () => {
    for (const timeoutMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, "1s" as unknown as number])
      expect(() => withTimeout(new InMemoryBackend(), timeoutMs)).toThrow(
        expect.objectContaining({ code: "INVALID_CONFIG" }),
      );
  });
});
