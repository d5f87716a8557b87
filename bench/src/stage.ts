import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { Child } from "./child.ts";
import { entryOf, type Name } from "./contenders/catalogue.ts";

/** Where all of one work happens: one Redis, one disk, and a process for each contender. Disposing of it leaves nothing behind. */
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
    const redis = await startRedis({ args: ["--save", "", "--appendonly", "no"] });
    // Beside the code: what is for temporary files may lie in memory.
    await mkdir(dataFolder, { recursive: true });
    return new Stage(redis, await mkdtemp(join(dataFolder, "run-")));
  }

  /** `url`: of another server, or of a proxy. `folder`: another's, whose files it is to find. */
  async child(name: Name, { url = this.redis.url, folder }: { url?: string; folder?: string } = {}): Promise<Child> {
    const directory = folder ?? (await this.folder(name));
    const child = await Child.open(name, { redis: url, directory });
    this.#children.push(child);
    return child;
  }

  /** A new one. */
  async folder(name: Name): Promise<string> {
    const directory = join(this.#directory, `${name}-${this.#folders++}`);
    await mkdir(directory);
    return directory;
  }

  /** Those that can be opened here; of the others, why they cannot. */
  async children(names: readonly Name[]): Promise<{ children: Child[]; absent: Record<string, string> }> {
    const children: Child[] = [];
    const absent: Record<string, string> = {};
    const opened = await Promise.allSettled(names.map((name) => this.child(name)));
    for (const [place, name] of names.entries()) {
      const outcome = opened[place];
      if (outcome?.status === "fulfilled") children.push(outcome.value);
      else absent[entryOf(name).title] = String(outcome?.reason);
    }
    return { children, absent };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child[Symbol.asyncDispose]()));
    await this.redis[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

const dataFolder = new URL("../.data/", import.meta.url).pathname;
