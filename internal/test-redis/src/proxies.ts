import { disposeAll } from "./dispose-all.ts";
import { type Action, type LossyProxy, startProxy } from "./proxy.ts";
import { startAll } from "./start-all.ts";

/** Decides about each command, given its words and its server's index among the targets. */
export type SharedRule = (command: readonly string[], server: number) => Action;

/** Proxies in front of several servers, one for each, with one rule for all of them. */
export class LossyProxies implements AsyncDisposable {
  /** Decides about every command from now on, at every proxy without a rule of its own. */
  rule: SharedRule = () => "pass";
  /** In the order of the targets. */
  readonly proxies: readonly LossyProxy[];
  /** Maps a server's own `"host:port"` to its proxy: for `nodeAddressMap` of node-redis and `natMap` of ioredis. */
  readonly addressMap: Readonly<Record<string, { host: string; port: number }>>;

  constructor(targets: readonly { host: string; port: number }[], proxies: readonly LossyProxy[]) {
    this.proxies = proxies;
    const addresses = targets.map(({ host, port }, index) => {
      const proxy = proxies[index];
      if (proxy === undefined) throw new Error(`There are ${targets.length} targets, but ${proxies.length} proxies.`);
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
