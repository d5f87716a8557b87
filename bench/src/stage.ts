import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { Child } from "./child.ts";
import { entryOf, type Name } from "./contenders/catalogue.ts";

/** Beside the code, because the system's folder for temporary files may be in memory. */
const dataFolder = fileURLToPath(new URL("../.data/", import.meta.url));

/** The contenders that could be opened here. `absent`: peers that could not, and why. */
export interface Company {
  children: Child[];
  absent: Record<string, string>;
}

/**
 * Where one measurement happens: one Redis, one disk, and a process for each contender. Nothing is left after it is
 * disposed of.
 */
export class Stage implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly #directory: string;
  readonly #children: Child[] = [];
  #folders = 0;

  private constructor(redis: RedisServer, directory: string) {
    this.redis = redis;
    this.#directory = directory;
  }

  static async set(): Promise<Stage> {
    await mkdir(dataFolder, { recursive: true });
    const directory = await mkdtemp(join(dataFolder, "run-"));
    try {
      return new Stage(await startRedis({ args: ["--save", "", "--appendonly", "no"] }), directory);
    } catch (error) {
      await rm(directory, { recursive: true });
      throw error;
    }
  }

  /** `url`: another server, or a proxy. `folder`: the folder of another child, whose files this one is to find. */
  async child(name: Name, { url = this.redis.url, folder }: { url?: string; folder?: string } = {}): Promise<Child> {
    const directory = folder ?? (await this.folder(name));
    const child = new Child(name);
    // Before it is opened, so that it is disposed of even if it or another child cannot be opened.
    this.#children.push(child);
    await child.open({ redis: url, directory });
    return child;
  }

  /** Makes a new folder. */
  async folder(name: Name): Promise<string> {
    const directory = join(this.#directory, `${name}-${this.#folders++}`);
    await mkdir(directory);
    return directory;
  }

  async children(names: readonly Name[]): Promise<Company> {
    const children: Child[] = [];
    const absent: Record<string, string> = {};
    const opened = await Promise.allSettled(names.map((name) => this.child(name)));
    for (const [place, name] of names.entries()) {
      const outcome = opened[place];
      if (outcome?.status === "fulfilled") {
        children.push(outcome.value);
        continue;
      }
      const failure = outcome?.reason as Error; // as `open` rejects
      if (entryOf(name).group !== "peer") throw failure;
      absent[entryOf(name).title] = failure.message;
    }
    return { children, absent };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await Promise.allSettled(this.#children.map((child) => child[Symbol.asyncDispose]()));
      await this.redis[Symbol.asyncDispose]();
    } finally {
      await rm(this.#directory, { recursive: true, force: true });
    }
  }
}
