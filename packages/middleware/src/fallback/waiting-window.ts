import { type Revision, type Snapshot, windowStart } from "@deep-agent/core/adapter";
import { type FallbackRevision, formatFallbackRevision, parseFallbackRevision } from "./fallback-revision.ts";
import type { WaitingTurn } from "./journal.ts";

/**
 * The answer to a read while the primary is unavailable: the waiting turns, as the continuation of what the reader knew
 * of the primary's log. Turns that the reader has seen waiting, and that no longer wait, are in that log by now; the
 * turns that do wait came later.
 */
export function windowOf(
  turns: readonly WaitingTurn[],
  { since, last }: { since: Revision | undefined; last: number | undefined },
): Snapshot<object> {
  const known: FallbackRevision = since === undefined ? { primary: null, waiting: null } : parseFallbackRevision(since);
  const floor = turns.findIndex((turn) => turn.operationId === known.waiting) + 1;
  const from = windowStart({ floor, end: turns.length }, last, (index) => turns[index]?.records.length ?? 0);
  const { primary } = known;
  const newest = turns.at(-1)?.operationId ?? known.waiting;
  return {
    records: turns.slice(from).flatMap(({ records }) => records),
    revision: formatFallbackRevision({ primary, waiting: newest }),
    start: from === 0 ? null : formatFallbackRevision({ primary, waiting: turns[from - 1]?.operationId ?? null }),
    reset: since !== undefined && from > floor,
    regressed: false,
  };
}
