import type { Revision } from "@deep-agent/core/adapter";
import { keyOf } from "../layout/memory-key.ts";
import type { MemoryInput } from "./common-input.ts";
import { reading } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface ReadInput extends MemoryInput {
  /** How many records at least, counted from the end; `undefined`: all. */
  readonly last: number | undefined;
  readonly since: Revision | undefined;
  readonly before: Revision | undefined;
  /** Count on one record an entry only, not on what entries hold on average. */
  readonly onePerEntry: boolean;
}

const verdicts = ["", "holds", "edge", "dropped", "lost", "other"] as const;

/** What the log is to one who knows a revision of it, as `judge` says; `""`: no revision was named. */
type Verdict = (typeof verdicts)[number];

/** A part of a log. Positions are those of log.lua.ts. */
export interface ReadPart {
  /** Of the log's last entry. */
  readonly position: number;
  /** When that was written, as text. */
  readonly at: string;
  /** What the log is to the reader's revision. */
  readonly verdict: Verdict;
  /** Where the entries that were asked for begin, but for those that `last` cut. */
  readonly floor: number;
  /** The position before the first of `entries`. */
  readonly from: number;
  /** When the entry at `from` was written; `"0"`: nothing with records stands there. */
  readonly atBefore: string;
  readonly entries: readonly string[];
}

export type ReadReply =
  | ({ readonly what: "log"; readonly now: number; readonly header: string } & ReadPart)
  | ScriptFailure;

/** A part of the log, judged against what the caller knows. */
export const READ: Script<ReadInput, ReadReply> = script(
  `${reading}
local key, last, since, before = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3]
local log, instead = open(key)
if not log then return instead end
local at = timeAt(key, log, log.position)
if not at then return {'damaged', stamp} end
local floor, to, verdict = log.dropped, log.position, ''
if since ~= '' then
  local position
  verdict, position = judge(key, log, since)
  if verdict == 'holds' or verdict == 'edge' then floor = position end
elseif before ~= '' then
  local position
  verdict, position = judge(key, log, before)
  if verdict == 'holds' or verdict == 'edge' then to = position end
  if verdict == 'dropped' then to = log.dropped end
end
local from = floor
if last then
  local entries = last
  if ARGV[4] == '' and log.records > 0 then entries = math.ceil(last * log.length / log.records) end
  from = math.max(floor, to - entries)
end
local previous = from > log.dropped and redis.call('LINDEX', key, from - log.position - 1) or ''
local atBefore = not string.find(previous, '^{"t":"save:') and string.match(previous, '^{"t":"[^"]*","at":(%d+),') or '0'
return {
  'log', stamp, log.header, round(log.position), at, verdict, round(floor), round(from), atBefore,
  redis.call('LRANGE', key, from - log.dropped + 1, to - log.dropped),
}
`,
  encode,
  replyParser({
    log: {
      header: String,
      position: Number,
      at: String,
      verdict: (word) => verdicts.find((verdict) => verdict === word) ?? "other",
      floor: Number,
      from: Number,
      atBefore: String,
      entries: (list) => (Array.isArray(list) ? list : []),
    },
  }),
);

/**
 * ARGV: 1 how many records at least, counted from the end ("": all); 2 since; 3 before ("": not given); 4 "all": count
 * on one record an entry only, "": on what they hold on average.
 */
function encode({ memoryId, settings, last, since = "", before = "", onePerEntry }: ReadInput): ScriptInput {
  return {
    keys: [keyOf(memoryId, settings)],
    args: [last === undefined ? "" : String(last), since, before, onePerEntry ? "all" : ""],
  };
}
