import type { ScriptReply } from "./script.ts";

/** What several scripts answer if they did not do what they are for. `now` is the server's time in µs since 1970. */
export type ScriptFailure =
  /** The deadline had passed; nothing was done. */
  | { readonly what: "late"; readonly now: number }
  /** There is no such memory. */
  | { readonly what: "absent"; readonly now: number }
  /** The key holds something else than a LIST. */
  | { readonly what: "foreign"; readonly now: number; readonly type: string }
  /** It is a LIST, but not a log of ours, or its last entry is broken. */
  | { readonly what: "damaged"; readonly now: number }
  /** The server refused a part, as in `error`; the rest was undone. */
  | { readonly what: "refused"; readonly now: number; readonly error: string }
  /** The same, but undoing was refused, too. */
  | { readonly what: "halfway"; readonly now: number; readonly error: string };

/** How the values after `what` and `now` are called and read, in the order in which the script answers them. */
type Fields<Reply> = {
  readonly [Name in Exclude<keyof Reply, "what" | "now">]: (value: unknown) => Reply[Name];
};

/** By `what`, the fields of a script's replies; failures have those that they always have, if none are given. */
type Layout<Reply extends ScriptReply> = {
  readonly [What in Exclude<Reply["what"], ScriptFailure["what"]>]: Fields<Extract<Reply, { what: What }>>;
} & {
  readonly [What in Extract<Reply["what"], ScriptFailure["what"]>]?: Fields<Extract<Reply, { what: What }>>;
};

const failures: Layout<ScriptFailure> = {
  late: {},
  absent: {},
  foreign: { type: String },
  damaged: {},
  refused: { error: String },
  halfway: { error: String },
};

/** Reads replies `{ what, now, field, field, … }`; any other is taken for `"damaged"`. */
export function replyParser<Reply extends ScriptReply>(layout: Layout<Reply>): (reply: readonly unknown[]) => Reply {
  const all: Readonly<Record<string, Readonly<Record<string, (value: unknown) => unknown>>>> = {
    ...failures,
    ...layout,
  };
  return ([word, now, ...values]) => {
    const what = String(word);
    const fields = Object.entries(all[what] ?? {}).map(([name, read], place) => [name, read(values[place])]);
    // The layout names the fields of each reply, and reads them as its type says.
    return { what: what in all ? what : "damaged", now: Number(now), ...Object.fromEntries(fields) } as Reply;
  };
}

export function isFailure(reply: ScriptReply): reply is ScriptFailure {
  return reply.what in failures;
}
