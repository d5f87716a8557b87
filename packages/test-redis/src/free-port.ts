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

/** How many are tried. */
const TRIES = 100;

/** A port of 127.0.0.1 on which nobody listens now. The 8000 ports above all these are for {@link busPortOf}. */
export async function freePort(): Promise<number> {
  for (let number = 0; number < TRIES; number++) {
    const port = randomInt(LOWEST, HIGHEST);
    if (await isFree(port)) return port;
  }
  throw new Error(`Of ${TRIES} ports between ${LOWEST} and ${HIGHEST}, none is free.`);
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
