import { moment, untilMoment } from "./clock.ts";
import type { Call, Ended } from "./messages.ts";

/**
 * Makes the calls one after the other. The first one is made at that moment, and each other one at least `spacing` ms
 * after the beginning that the one before was meant to have. Resolves to their ends. `onEnd` is told each at once.
 */
export async function perform(
  backend: object,
  calls: readonly Call[],
  at: number,
  spacing: number,
  onEnd?: (ended: Ended) => void,
): Promise<Ended[]> {
  const all: Ended[] = [];
  for (const [index, call] of calls.entries()) {
    await untilMoment(at + index * spacing);
    const ended = await settled(backend, call);
    all.push(ended);
    onEnd?.(ended);
  }
  return all;
}

async function settled(backend: object, { method, args }: Call): Promise<Ended> {
  const from = moment();
  try {
    const called: unknown = Reflect.get(backend, method);
    if (typeof called !== "function") throw new TypeError(`The backend has no method ${method}.`);
    const answer: unknown = await Reflect.apply(called, backend, args);
    return { from, to: moment(), answer };
  } catch (error) {
    return { from, to: moment(), error };
  }
}
