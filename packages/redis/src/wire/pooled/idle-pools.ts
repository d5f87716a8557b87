/*
 * The pools of this process without a call in progress. Programs that make a backend for each request, and forget it,
 * would otherwise use up the connections that their server allows long before the idle ones are closed.
 */

/** A pool of connections to one server. */
interface IdlePool {
  /** The number of its connections. */
  readonly size: number;
  /** Closes its connections. The next call opens others. */
  closeIdle(): void;
}

/** How many connections to one server the idle pools may keep, without the pool that became idle last. */
const MAX_KEPT = 16;

/** By the server's address. The pool that has been idle longest comes first. */
const idle = new Map<string, Set<IdlePool>>();

/** Notes that a pool is idle. If too many connections are idle, those that have been idle longest are closed. */
export function becameIdle(address: string, pool: IdlePool): void {
  const pools = idle.get(address) ?? new Set();
  pools.delete(pool);
  let kept = [...pools].reduce((sum, { size }) => sum + size, 0);
  for (const oldest of pools) {
    if (kept <= MAX_KEPT) break;
    kept -= oldest.size;
    pools.delete(oldest);
    oldest.closeIdle();
  }
  pools.add(pool);
  idle.set(address, pools);
}

/** Notes that a pool is in use, or has no connections. */
export function leftIdle(address: string, pool: IdlePool): void {
  const pools = idle.get(address);
  if (pools?.delete(pool) && pools.size === 0) idle.delete(address);
}

/** Closes all idle connections to a server that takes no more. */
export function closeAllIdle(address: string): void {
  const pools = idle.get(address) ?? [];
  idle.delete(address);
  for (const pool of pools) pool.closeIdle();
}
