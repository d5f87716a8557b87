import { randomInt } from "node:crypto";
import { once } from "node:events";
import net from "node:net";

/*
 * Below those that systems give to outgoing connections (Linux from 32768, macOS from 49152). A server that was killed is to find
 * its port free when it comes back; and whoever goes on trying to reach the port meanwhile must not be given that very port to come
 * from: TCP then connects him to himself.
 */
const LOWEST = 16_000;
const HIGHEST = 24_000;

/** How many processes of jest have ports of their own: what one of them has killed, another one must not take the place of. */
const SHARES = 16;
const SHARE = (HIGHEST - LOWEST) / SHARES;

const { JEST_WORKER_ID: worker = 0 } = process.env;
const lowest = LOWEST + (Number(worker) % SHARES) * SHARE;

/** The last one that was tried, counted from the lowest. It begins anywhere, for those that are no process of jest. */
let last = randomInt(SHARE);

/**
 * A port of 127.0.0.1 on which nobody listens now. All others of this process come before the same one again: of two servers that
 * are started on one port, the one that gets it would answer for both. The 8000 ports above all these are for {@link busPortOf}.
 */
export async function freePort(): Promise<number> {
  for (let number = 0; number < SHARE; number++) {
    last = (last + 1) % SHARE;
    const port = lowest + last;
    if (await isFree(port)) return port;
  }
  throw new Error(`None of the ports from ${lowest} to ${lowest + SHARE - 1} is free.`);
}

/** Where a server on that port talks to the other nodes of its cluster. It may be taken. */
export function busPortOf(port: number): number {
  return port + HIGHEST - LOWEST;
}

async function isFree(port: number): Promise<boolean> {
  const listener = net.createServer();
  try {
    listener.listen(port, "127.0.0.1");
    await once(listener, "listening");
  } catch {
    // Taken, or not for this user: the same here.
    return false;
  }
  listener.close();
  await once(listener, "close");
  return true;
}
