import { basename } from "node:path";
import type { FileSystem, OpenFile } from "../../../src/file-system.ts";
import type { Random } from "./random.ts";
import type { Lane, Scheduler } from "./scheduler.ts";

/** The probability of each fault for a file system call. */
export interface FaultRates {
  kill: number;
  /** The process stops for a while, like one that is swapped out. */
  freeze: number;
  /** A write is cut short: the disk is full. */
  shortWrite: number;
  /** A call fails, before or after its effect. */
  ioError: number;
}

export const NO_FAULTS: FaultRates = { kill: 0, freeze: 0, shortWrite: 0, ioError: 0 };

export interface FaultyDiskOptions {
  disk: FileSystem;
  scheduler: Scheduler;
  random: Random;
  /** Read before each call, so that they can be changed during a schedule. */
  faults: { rates: FaultRates };
  /** Called after each call that may have changed the directory. */
  changed: (lane: Lane | undefined) => void;
}

/** The disk of one process of the model: each call waits until it is chosen, and may be the last one of the process. */
export class FaultyDisk implements FileSystem {
  readonly #options: FaultyDiskOptions;

  constructor(options: FaultyDiskOptions) {
    this.#options = options;
  }

  async open(path: string, flags: "r" | "a+" | "wx"): Promise<OpenFile> {
    const file = await this.#call(`open ${shortName(path)} ${flags}`, () => this.#options.disk.open(path, flags));
    const name = shortName(path);
    return {
      stat: () => this.#call(`fstat ${name}`, () => file.stat()),
      read: (position, length) => this.#call(`read ${name} ${position}+${length}`, () => file.read(position, length)),
      write: (bytes) => this.#write(name, file, bytes),
      setModified: (at) => this.#call(`futimes ${name}`, () => file.setModified(at)),
      sync: () => this.#call(`fdatasync ${name}`, () => file.sync()),
      close: () => this.#options.scheduler.withoutStep(file.close()), // when it happens makes no difference to others
    };
  }

  link(existing: string, path: string): Promise<void> {
    return this.#change(`link ${shortName(path)}`, () => this.#options.disk.link(existing, path));
  }

  unlink(path: string): Promise<void> {
    return this.#change(`unlink ${shortName(path)}`, () => this.#options.disk.unlink(path));
  }

  stat(path: string): Promise<Awaited<ReturnType<FileSystem["stat"]>>> {
    return this.#call(`stat ${shortName(path)}`, () => this.#options.disk.stat(path));
  }

  readdir(path: string): Promise<string[]> {
    return this.#call("readdir", () => this.#options.disk.readdir(path));
  }

  mkdir(path: string): Promise<boolean> {
    return this.#call("mkdir", () => this.#options.disk.mkdir(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#call("fsync directory", () => this.#options.disk.syncDirectory(path));
  }

  #write(name: string, file: OpenFile, bytes: Buffer): Promise<number> {
    const { random, faults, scheduler } = this.#options;
    const { lane } = scheduler;
    return this.#change(`write ${name} ${bytes.length}`, () => {
      if (!random.chance(faults.rates.shortWrite)) return file.write(bytes);
      const cut = random.below(bytes.length);
      scheduler.note(`cut short at ${cut}`);
      if (lane !== undefined && random.chance(0.3)) kill(lane, scheduler);
      return cut === 0 ? 0 : file.write(bytes.subarray(0, cut));
    });
  }

  #change<T>(name: string, perform: () => Promise<T> | T): Promise<T> {
    const { lane } = this.#options.scheduler;
    return this.#call(name, async () => {
      const result = await perform();
      this.#options.changed(lane);
      return result;
    });
  }

  #call<T>(name: string, perform: () => Promise<T> | T): Promise<T> {
    const { scheduler, random, faults } = this.#options;
    const { lane } = scheduler;
    return scheduler.step(name, async () => {
      const { rates } = faults;
      const dies = random.chance(rates.kill);
      const fails = random.chance(rates.ioError);
      const before = (dies || fails) && random.chance(0.5);
      if (random.chance(rates.freeze) && lane !== undefined) lane.frozenUntil = scheduler.time + 3 + random.below(60);
      const result = before ? undefined : await perform();
      if (dies && lane !== undefined) kill(lane, scheduler);
      if (fails) {
        scheduler.note(`that fails ${before ? "without" : "with"} effect`);
        throw Object.assign(new Error("EIO: the model's disk fails"), { code: "EIO" });
      }
      return result as T; // it was performed
    });
  }
}

function kill({ process }: Lane, scheduler: Scheduler): void {
  scheduler.note(`${process.name} is killed`);
  process.alive = false;
}

function shortName(path: string): string {
  const name = basename(path);
  return name.endsWith(".tmp") ? `${name.slice(0, 4)}.tmp` : name;
}
