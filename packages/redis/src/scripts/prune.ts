import { indexKeyOf } from "../layout/memory-key.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { type IndexMember, listOfMembers } from "./index-member.ts";
import { writing } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface PruneInput {
  readonly settings: MemorySettings;
  /** The members, with the scores that were read. */
  readonly gone: readonly IndexMember[];
}

export type PruneReply = { readonly what: "pruned"; readonly now: number } | ScriptFailure;

/** Removes members from the index, unless their memory was written since they were read. */
export const PRUNE: Script<PruneInput, PruneReply> = script(
  `${writing}
for number = 2, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[number]) == ARGV[number + 1] then redis.call('ZREM', KEYS[1], ARGV[number]) end
end
return {'pruned', stamp}
`,
  encode,
  replyParser({ pruned: {} }),
);

/** KEYS: 1 the index. ARGV: 1 deadline; then member and the score that was read of each. */
function encode({ settings, gone }: PruneInput): ScriptInput {
  return { keys: [indexKeyOf(settings)], args: listOfMembers(gone) };
}
