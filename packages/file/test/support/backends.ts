import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BackendEvent } from "@deep-agent/core";
import { afterAll } from "@jest/globals";
import { FileBackend, type FileBackendOptions } from "../../src/index.ts";

/** The records of these tests. */
export interface Note {
  n: number;
  text?: string;
}

export function notes(from: number, count: number): Note[] {
  return Array.from({ length: count }, (_, index) => ({ n: from + index }));
}

const directories: string[] = [];

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** An empty directory, removed when the test file has run. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "deep-agent-file-"));
  directories.push(directory);
  return directory;
}

/** A backend in a directory of its own, which does not exist yet. Does not flush, unless the test asks for that. */
export function newBackend<T extends object = Note>(options: FileBackendOptions = {}): FileBackend<T> {
  return new FileBackend<T>({ directory: join(temporaryDirectory(), "memories"), durability: "os", ...options });
}

/** A second backend on the same directory, like that of another process: it knows nothing about the first one. */
export function another<T extends object = Note>(
  backend: FileBackend<T>,
  options: FileBackendOptions = {},
): FileBackend<T> {
  return new FileBackend<T>({ directory: backend.directory, durability: "os", ...options });
}

/** The names of all files in the backend's directory, sorted. */
export function filesOf(backend: { directory: string }): string[] {
  return readdirSync(backend.directory).sort();
}

export function pathOf(backend: { directory: string }, name: string): string {
  return join(backend.directory, name);
}

/** The bytes of all files in the directory. */
export function contentOf(backend: { directory: string }): Buffer {
  return Buffer.concat(filesOf(backend).map((name) => readFileSync(pathOf(backend, name))));
}

/** The events published on the backend channel while `run` runs. */
export async function eventsDuring(run: () => Promise<unknown>): Promise<BackendEvent[]> {
  const events: BackendEvent[] = [];
  // Only this library publishes on its channel.
  const listener = (event: unknown): void => void events.push(event as BackendEvent);
  subscribe("deep-agent:backend", listener);
  try {
    await run();
  } finally {
    unsubscribe("deep-agent:backend", listener);
  }
  return events;
}

/** The error that a promise rejects with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("It did not reject.");
}
