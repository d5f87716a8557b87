import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { type BackendEvent, MemoryError } from "@deep-agent/core";
import type { MemoryErrorDetails } from "@deep-agent/core/adapter";
import { InMemoryBackend } from "@deep-agent/in-memory";

/** The record type of these tests. */
export interface Note {
  n: number;
  id?: string;
}

export function notes(from: number, count: number): Note[] {
  return Array.from({ length: count }, (_, index) => ({ n: from + index }));
}

/**
 * What happens to a call: it is made (`made`), it is not made because the store is unavailable (`away`), or it is made
 * and its answer is lost (`lost`).
 */
export type Fate = "made" | "away" | "lost";

/** A store in RAM with failures: before every call, `fate` decides what happens to it. */
export class TroubledBackend<T extends object = Note> extends InMemoryBackend<T> {
  fate: (method: string) => Fate = () => "made";
  /** The methods that were called, in order. */
  readonly calls: string[] = [];

  override load(...args: Parameters<InMemoryBackend<T>["load"]>): Promise<T[] | null> {
    return this.#befall("load", () => super.load(...args));
  }

  override save(...args: Parameters<InMemoryBackend<T>["save"]>): Promise<void> {
    return this.#befall("save", () => super.save(...args));
  }

  override delete(...args: Parameters<InMemoryBackend<T>["delete"]>): Promise<void> {
    return this.#befall("delete", () => super.delete(...args));
  }

  override append(...args: Parameters<InMemoryBackend<T>["append"]>): Promise<string> {
    return this.#befall("append", () => super.append(...args));
  }

  override read(...args: Parameters<InMemoryBackend<T>["read"]>): ReturnType<InMemoryBackend<T>["read"]> {
    return this.#befall("read", () => super.read(...args));
  }

  override list(...args: Parameters<InMemoryBackend<T>["list"]>): Promise<string[]> {
    return this.#befall("list", () => super.list(...args));
  }

  override ping(...args: Parameters<InMemoryBackend<T>["ping"]>): Promise<{ latencyMs: number }> {
    return this.#befall("ping", () => super.ping(...args));
  }

  async #befall<R>(method: string, call: () => Promise<R>): Promise<R> {
    this.calls.push(method);
    const fate = this.fate(method);
    if (fate === "away") throw away({ outcome: "not-applied" });
    const answer = await call();
    if (fate === "lost")
      throw away({ outcome: ["save", "delete", "append"].includes(method) ? "unknown" : "not-applied" });
    return answer;
  }
}

export function away(details: MemoryErrorDetails): MemoryError {
  return new MemoryError("UNAVAILABLE", "The store is unavailable.", { retryable: true, ...details });
}

/** What a promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("The promise did not reject.");
}

/** The events on the backend channel while `run` runs. */
export async function eventsDuring(run: () => Promise<unknown>): Promise<BackendEvent[]> {
  const events: BackendEvent[] = [];
  const listener = (event: unknown): void => void events.push(event as BackendEvent);
  subscribe("deep-agent:backend", listener);
  try {
    await run();
  } finally {
    unsubscribe("deep-agent:backend", listener);
  }
  return events;
}
