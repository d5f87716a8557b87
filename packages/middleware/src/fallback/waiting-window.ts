import type { Revision, Snapshot } from "@deep-agent/core/adapter";
import { type FallbackRevision, formatFallbackRevision, parseFallbackRevision } from "./fallback-revision.ts";
import type { WaitingTurn } from "./journal.ts";

/**
 * What a reader is answered while the primary is away: the turns that wait, as the continuation of what it knew of the primary's log. Turns that
 * it saw waiting and that wait no more are in that log by now; those that wait came later.
 */
export function windowOf(
  turns: readonly WaitingTurn[],
  { since, last }: { since: Revision | undefined; last: number | undefined },
): Snapshot<object> {
  const known: FallbackRevision = since === undefined ? { primary: null, waiting: null } : parseFallbackRevision(since);
  const floor = turns.findIndex((turn) => turn.operationId === known.waiting) + 1;
  const from = last === undefined ? floor : windowStart(turns, last, floor);
  const newest = turns.at(-1)?.operationId ?? known.waiting;
  return {
    records: turns.slice(from).flatMap(({ records }) => records),
    revision: formatFallbackRevision({ primary: known.primary, waiting: newest }),
    start:
      from === 0
        ? null
        : formatFallbackRevision({ primary: known.primary, waiting: turns[from - 1]?.operationId ?? null }),
    reset: since !== undefined && from > floor,
    regressed: false,
  };
}

/** Where the newest turns begin that hold at least `last` records together. */
function windowStart(turns: readonly WaitingTurn[], last: number, floor: number): number {
  let from = turns.length;
  for (let records = 0; from > floor && records < last; from--) records += turns[from - 1]?.records.length ?? 0;
  return from;
}
