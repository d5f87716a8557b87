import { indexKeyOf } from "../layout/memory-key.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { type IndexMember, listOfMembers } from "./index-member.ts";
import { writing } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface PruneInput {
  readonly settings: MemorySettings;
  /** With their scores as they were read. */
  readonly gone: readonly IndexMember[];
}

export type PruneReply = { readonly what: "pruned"; readonly now: number } | ScriptFailure;

/** Takes memories that are gone from the index, unless they were written since. */
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

/** KEYS: 1 the index. ARGV: 1 deadline; then member and score, as they were read, of each. */
function encode({ settings, gone }: PruneInput): ScriptInput {
  return { keys: [indexKeyOf(settings)], args: listOfMembers(gone) };
}
