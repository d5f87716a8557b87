import { randomInt } from "node:crypto";
import { once } from "node:events";
import net from "node:net";

/*
 * These ports are lower than the ones that systems give to outgoing connections (Linux from 32768, macOS from 49152).
 * So a killed server finds its port free when it comes back. And a client that keeps trying to reach the port meanwhile
 * never gets that same port as its own source port: TCP would then connect the client to itself.
 */
const LOWEST = 16_000;
const HIGHEST = 24_000;

/**
 * How many of jest's processes have ports of their own. A process must not take the port of a server that another
 * killed.
 */
const SHARES = 16;
const SHARE = (HIGHEST - LOWEST) / SHARES;

const { JEST_WORKER_ID: worker = 0 } = process.env;
const lowest = LOWEST + (Number(worker) % SHARES) * SHARE;

/**
 * The last port that was tried, counted from the lowest. It starts at random, for processes that jest did not start.
 */
let last = randomInt(SHARE);

/**
 * A port of 127.0.0.1 on which no program listens now. A port comes again only after all other ports of this process:
 * if two servers were started on one port, the server that got it would answer for both. The 8000 ports above these are
 * for {@link busPortOf}.
 */
export async function freePort(): Promise<number> {
  for (let number = 0; number < SHARE; number++) {
    last = (last + 1) % SHARE;
    const port = lowest + last;
    if (await isFree(port)) return port;
  }
  throw new Error(`All ports from ${lowest} to ${lowest + SHARE - 1} are taken.`);
}

/** The port at which a server on `port` talks to the other nodes of its cluster. It may be taken. */
export function busPortOf(port: number): number {
  return port + HIGHEST - LOWEST;
}

async function isFree(port: number): Promise<boolean> {
  const listener = net.createServer();
  try {
    listener.listen(port, "127.0.0.1");
    await once(listener, "listening");
  } catch {
    // Taken, or not allowed for this user, which makes no difference here.
    return false;
  }
  listener.close();
  await once(listener, "close");
  return true;
}
