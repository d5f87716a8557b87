import { indexKeyOf } from "../layout/memory-key.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { type IndexMember, listOfMembers, membersIn } from "./index-member.ts";
import { writing } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface EnlistInput {
  readonly settings: MemorySettings;
  readonly members: readonly IndexMember[];
  /** How many others to name. */
  readonly others: number;
}

export type EnlistReply =
  /** The others are any that are there. */
  { readonly what: "enlisted"; readonly now: number; readonly others: readonly IndexMember[] } | ScriptFailure;

/** Puts memories into the index, unless they have a later place already. */
export const ENLIST: Script<EnlistInput, EnlistReply> = script(
  `${writing}
for number = 3, #ARGV, 2 do redis.call('ZADD', KEYS[1], 'GT', ARGV[number + 1], ARGV[number]) end
if ARGV[2] == '0' then return {'enlisted', stamp, {}} end
return {'enlisted', stamp, redis.call('ZRANDMEMBER', KEYS[1], ARGV[2], 'WITHSCORES')}
`,
  encode,
  replyParser({ enlisted: { others: membersIn } }),
);

/** KEYS: 1 the index. ARGV: 1 deadline; 2 how many others to name; then member and score of each. */
function encode({ settings, members, others }: EnlistInput): ScriptInput {
  return { keys: [indexKeyOf(settings)], args: [String(others), ...listOfMembers(members)] };
}
