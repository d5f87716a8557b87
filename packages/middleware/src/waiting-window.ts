import type { ReadOptions, Snapshot } from "@deep-agent/core";
import { decodeKnown, encodeKnown } from "./fallback-revision.ts";
import type { WaitingTurn } from "./journal.ts";

/**
 * What a read is answered while the primary is away: the turns that wait, as the continuation of what the reader knew of the primary's log.
 * `null`: there are none, and nothing was known.
 */
export function windowOf(turns: readonly WaitingTurn[], { last, since, before }: ReadOptions): Snapshot<object> | null {
  const given = since ?? before;
  const known = given === undefined ? undefined : decodeKnown(given);
  if (turns.length === 0 && known === undefined) return null;
  const primary = known?.primary ?? null;
  const seen = known === undefined ? undefined : placeOf(turns, known.waiting);
  const isLost = given !== undefined && seen === undefined;

  const floor = since === undefined || isLost ? 0 : (seen ?? 0);
  const end = before === undefined || isLost ? turns.length : (seen ?? turns.length);
  const from = last === undefined ? floor : windowStart(turns, last, floor, end);
  const at = (place: number): string => encodeKnown({ primary, waiting: turns[place - 1]?.operationId ?? null });
  return {
    records: turns.slice(from, end).flatMap(({ records }) => records),
    revision: at(turns.length),
    start: from === 0 ? null : at(from),
    reset: isLost || (since !== undefined && from > floor),
    regressed: false,
  };
}

/** How many turns stand before what comes after the one with this id; `undefined`: it waits no more. */
function placeOf(turns: readonly WaitingTurn[], operationId: string | null): number | undefined {
  if (operationId === null) return 0;
  const index = turns.findIndex((turn) => turn.operationId === operationId);
  return index < 0 ? undefined : index + 1;
}

/** Where the newest turns before `end` begin that hold at least `last` records together. */
function windowStart(turns: readonly WaitingTurn[], last: number, floor: number, end: number): number {
  let from = end;
  for (let records = 0; from > floor && records < last; from--) records += turns[from - 1]?.records.length ?? 0;
  return from;
}
