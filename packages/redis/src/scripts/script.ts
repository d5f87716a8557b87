import { createHash } from "node:crypto";

/** What a script is given. Of one that writes, its deadline goes before `args`, as ARGV[1]. */
export interface ScriptInput {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** What every reply has, as its script's `parse` answers it. */
export interface ScriptReply {
  /** What the script did or found: `"appended"`, `"late"`, … */
  readonly what: string;
  /** The server's time, if the reply has it: µs since 1970. */
  readonly now?: number;
}

/** A script: its text, what it is given, and what it answers. */
export interface Script<Input, Reply extends ScriptReply> {
  /** Without comments and indents. */
  readonly source: string;
  /** SHA-1 of the source, in hexadecimal: the name that the server knows it by. */
  readonly sha: string;
  readonly encode: (input: Input) => ScriptInput;
  readonly parse: (reply: readonly unknown[]) => Reply;
}

export function script<Input, Reply extends ScriptReply>(
  lua: string,
  encode: (input: Input) => ScriptInput,
  parse: (reply: readonly unknown[]) => Reply,
): Script<Input, Reply> {
  const lines = lua.split("\n").map((line) => line.trim());
  const source = lines.filter((line) => line !== "" && !line.startsWith("--")).join("\n");
  return { source, sha: createHash("sha1").update(source).digest("hex"), encode, parse };
}
