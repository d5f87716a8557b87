import { keyOf } from "../layout/memory-key.ts";
import { encodeTtl, type MemoryInput } from "./common-input.ts";
import { writing } from "./log.lua.ts";
import { replyParser, type ScriptFailure } from "./reply-parser.ts";
import { type Script, type ScriptInput, script } from "./script.ts";

export interface TouchInput extends MemoryInput {
  /** Whether a value of go-deep-agent has been seen there. */
  readonly isValue: boolean;
}

export type TouchReply = { readonly what: "renewed"; readonly now: number } | ScriptFailure;

/** Counts the time to live again, and changes nothing else. */
export const TOUCH: Script<TouchInput, TouchReply> = script(
  `${writing}
local log, instead = open(KEYS[1])
if not log and not (instead[1] == 'foreign' and instead[3] == ARGV[3]) then return instead end
local failure = renew(KEYS[1], ARGV[2])
if refused(failure) then return {'refused', stamp, failure.err} end
return {'renewed', stamp}
`,
  encode,
  replyParser({ renewed: {} }),
);

/** ARGV: 1 deadline; 2 time to live in ms ("0": for ever); 3 "string": a value of go-deep-agent has been seen there. */
function encode(input: TouchInput): ScriptInput {
  return {
    keys: [keyOf(input.memoryId, input.settings)],
    args: [encodeTtl(input.settings), input.isValue ? "string" : ""],
  };
}
