import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BackendEvent } from "@deep-agent/core";
import { type CorruptPolicy, FileBackend } from "@deep-agent/file";
import type { Note, Sample } from "./sample.ts";

/** A directory with one damaged file at a time, and the warnings about that file. Dispose of it. */
export class Lane implements AsyncDisposable {
  readonly directory: string;
  readonly path: string;
  readonly #sample: Sample;
  #warnings: string[] = [];
  readonly #hear = (event: unknown): void => {
    // Only this library publishes on its channel.
    const backendEvent = event as BackendEvent;
    if (backendEvent.type === "warning" && backendEvent.detail.includes(this.directory))
      this.#warnings.push(backendEvent.detail);
  };

  private constructor(directory: string, sample: Sample) {
    this.directory = directory;
    this.path = join(directory, sample.fileName);
    this.#sample = sample;
    subscribe("deep-agent:backend", this.#hear);
  }

  static async open(sample: Sample): Promise<Lane> {
    return new Lane(await mkdtemp(join(tmpdir(), "deep-agent-torture-")), sample);
  }

  get bytes(): Buffer {
    return readFileSync(this.path);
  }

  set bytes(bytes: Buffer) {
    // Some file systems flush a file that was emptied and written again when it is closed, which is slow.
    rmSync(this.path, { force: true });
    writeFileSync(this.path, bytes);
  }

  /** A backend as in another process: it knows nothing about the file. */
  backend(onCorrupt: CorruptPolicy = "throw"): FileBackend<Note> {
    return new FileBackend<Note>({ directory: this.directory, durability: "os", onCorrupt });
  }

  /** The places of the lines that were skipped, according to warnings since the last call. */
  takeWarnings(): Set<number> {
    const places = this.#warnings.map((detail) => /at byte (\d+) of /.exec(detail)?.[1]);
    if (places.includes(undefined)) throw new Error(`A warning does not name a place: ${this.#warnings.join("; ")}`);
    this.#warnings = [];
    return new Set(places.map(Number));
  }

  get memoryId(): string {
    return this.#sample.memoryId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    unsubscribe("deep-agent:backend", this.#hear);
    await rm(this.directory, { recursive: true, force: true });
  }
}
