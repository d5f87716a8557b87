import { createHash } from "node:crypto";

/** The input of a script. For a script that writes, the deadline is added before `args`, as ARGV[1]. */
export interface ScriptInput {
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

/** The fields of every parsed reply. */
export interface ScriptReply {
  /** What the script did or found: `"appended"`, `"late"`, … */
  readonly what: string;
  /** The server's time in µs since 1970, if the reply has it. */
  readonly now?: number;
}

/** A script: its text, its input and its replies. */
export interface Script<Input, Reply extends ScriptReply> {
  /** The Lua text, without comments and indentation. */
  readonly source: string;
  /** SHA-1 of the source, in hexadecimal: the name that the server knows it by. */
  readonly sha: string;
  readonly encode: (input: Input) => ScriptInput;
  readonly parse: (reply: readonly unknown[]) => Reply;
}

/** Makes a script of its Lua. Lines of comment and indentation are removed, so that they are not sent. */
export function script<Input, Reply extends ScriptReply>(
  lua: string,
  encode: (input: Input) => ScriptInput,
  parse: (reply: readonly unknown[]) => Reply,
): Script<Input, Reply> {
  const lines = lua.split("\n").map((line) => line.trim());
  const source = lines.filter((line) => line !== "" && !line.startsWith("--")).join("\n");
  return { source, sha: createHash("sha1").update(source).digest("hex"), encode, parse };
}
