import { indexKeyOf } from "../layout/memory-key.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { type IndexMember, membersIn } from "./index-member.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface IndexPageInput {
  readonly settings: MemorySettings;
  /** The highest score. */
  readonly highest: string;
  /** How many members at most. */
  readonly count: number;
}

export interface IndexPageReply {
  readonly what: "page";
  readonly members: readonly IndexMember[];
}

/** A page of the index, the most recently written first. */
export const INDEX_PAGE: Script<IndexPageInput, IndexPageReply> = script(
  `
return redis.call('ZRANGE', KEYS[1], ARGV[1], '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[2], 'WITHSCORES')
`,
  encode,
  (reply) => ({ what: "page", members: membersIn(reply) }),
);

/** KEYS: 1 the index. ARGV: 1 the highest score; 2 how many at most. */
function encode({ settings, highest, count }: IndexPageInput): ScriptInput {
  return { keys: [indexKeyOf(settings)], args: [highest, String(count)] };
}
