import { disposeAll } from "./dispose-all.ts";
import { type Action, type LossyProxy, startProxy } from "./proxy.ts";
import { startAll } from "./start-all.ts";

/** Decides about each command, given its words, and the place of its server among the targets. */
export type SharedRule = (command: readonly string[], server: number) => Action;

/** A proxy in front of each of several servers, with one rule for all. */
export class LossyProxies implements AsyncDisposable {
  /** Decides about every command from now on, at every proxy that was not given a rule of its own. */
  rule: SharedRule = () => "pass";
  /** In the order of the targets. */
  readonly proxies: readonly LossyProxy[];
  /** Where a client finds the server that calls itself `"host:port"`: `nodeAddressMap` of node-redis, `natMap` of ioredis. */
  readonly addressMap: Readonly<Record<string, { host: string; port: number }>>;

  constructor(targets: readonly { host: string; port: number }[], proxies: readonly LossyProxy[]) {
    this.proxies = proxies;
    const addresses = targets.map(({ host, port }, index) => {
      const proxy = proxies[index];
      if (proxy === undefined) throw new Error("There is not a proxy for each target.");
      proxy.rule = (command) => this.rule(command, index);
      return [`${host}:${port}`, { host: "127.0.0.1", port: proxy.port }] as const;
    });
    this.addressMap = Object.fromEntries(addresses);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await disposeAll(this.proxies);
  }
}

/** Proxies that listen on free ports of loopback, one for each target. */
export async function startProxies(targets: readonly { host: string; port: number }[]): Promise<LossyProxies> {
  return new LossyProxies(targets, await startAll(targets.map((target) => startProxy(target))));
}
