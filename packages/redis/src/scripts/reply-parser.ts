import type { ScriptReply } from "./script.ts";

/** Replies of scripts that did not do their work. `now` is the server's time in µs since 1970. */
export type ScriptFailure =
  /** The deadline had passed; nothing was done. */
  | { readonly what: "late"; readonly now: number }
  /** There is no such memory. */
  | { readonly what: "absent"; readonly now: number }
  /** The key holds another type than a LIST. */
  | { readonly what: "foreign"; readonly now: number; readonly type: string }
  /** The LIST is not a log of this library, or its last entry is broken. */
  | { readonly what: "damaged"; readonly now: number }
  /** The server refused a part with `error`, and the rest was undone. */
  | { readonly what: "refused"; readonly now: number; readonly error: string }
  /** The same, but undoing was refused as well. */
  | { readonly what: "halfway"; readonly now: number; readonly error: string };

/** The names and readers of the values after `what` and `now`, in the order of the script's reply. */
type Fields<Reply> = {
  readonly [Name in Exclude<keyof Reply, "what" | "now">]: (value: unknown) => Reply[Name];
};

/** The fields of a script's replies, by `what`. Failures may be left out: they have default fields. */
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

/** Reads replies `{ what, now, field, field, … }`. Any other reply counts as `"damaged"`. */
export function replyParser<Reply extends ScriptReply>(layout: Layout<Reply>): (reply: readonly unknown[]) => Reply {
  const all: Readonly<Record<string, Readonly<Record<string, (value: unknown) => unknown>>>> = {
    ...failures,
    ...layout,
  };
  return ([word, now, ...values]) => {
    const what = String(word);
    const fields = Object.entries(all[what] ?? {}).map(([name, read], place) => [name, read(values[place])]);
    // The type of the layout guarantees the fields of each reply and their types.
    return { what: what in all ? what : "damaged", now: Number(now), ...Object.fromEntries(fields) } as Reply;
  };
}

export function isFailure(reply: ScriptReply): reply is ScriptFailure {
  return reply.what in failures;
}
