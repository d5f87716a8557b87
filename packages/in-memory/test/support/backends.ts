import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { BackendEvent } from "@deep-agent/core";
import { backendChannel } from "@deep-agent/core/adapter";
import { InMemoryBackend, type InMemoryOptions } from "../../src/index.ts";

/** The records of these tests. */
export interface Note {
  n: number;
}

export function notes(from: number, count: number): Note[] {
  return Array.from({ length: count }, (_, index) => ({ n: from + index }));
}

/** A backend with a clock that only the test moves. */
export function withClock(
  options: Omit<InMemoryOptions, "clock"> = {},
  start = 1_700_000_000_000,
): { backend: InMemoryBackend<Note>; time: { now: number } } {
  const time = { now: start };
  const backend = new InMemoryBackend<Note>({ ...options, clock: () => time.now });
  return { backend, time };
}

/** The events published on the backend channel while `run` runs. */
export async function eventsDuring(run: () => Promise<void>): Promise<BackendEvent[]> {
  const events: BackendEvent[] = [];
  // Only this library publishes on its channel.
  const listener = (event: unknown): void => void events.push(event as BackendEvent);
  subscribe("deep-agent:backend", listener);
  try {
    await run();
  } finally {
    unsubscribe("deep-agent:backend", listener);
  }
  if (backendChannel.hasSubscribers) throw new Error("The backend channel has another subscriber.");
  return events;
}
