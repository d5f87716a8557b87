import { types } from "node:util";
import { invalidConfig } from "../layer/check-options.ts";
import { TextPatterns } from "./text-patterns.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * A function for `withRedaction` that replaces what the patterns match, in all that was said: the content of every
 * message, refusals, reasoning, the arguments of tool calls, and the texts in `metadata`. Parts of text that stand side
 * by side are searched together as well, so that a number which is split over two parts is removed from both. Default
 * of `replacement`: `"[redacted]"`, taken as it is.
 *
 * What a provider added (`providerMetadata`) may hold the same text again, and cannot be changed: it is left out where
 * something was replaced, or where a pattern matches in it. Throws `INVALID_CONFIG`.
 *
 * ```ts
 * const discreet = withRedaction(backend, redactText([/\b\d{13,19}\b/], "[number]"));
 * ```
 */
export function redactText(
  patterns: readonly RegExp[],
  replacement = "[redacted]",
): <T extends object>(record: T) => T {
  if (!Array.isArray(patterns) || patterns.length === 0 || !patterns.every((pattern) => types.isRegExp(pattern)))
    throw invalidConfig("redactText", "its first argument is not a list of regular expressions", "Write [/secret/].");
  if (typeof replacement !== "string") throw invalidConfig("redactText", "the replacement is not a string");
  const redaction = new MessageRedaction(new TextPatterns(patterns, replacement));
  return <T extends object>(record: T): T => ({ ...record, ...redaction.changesOf(record) });
}

class MessageRedaction {
  readonly #patterns: TextPatterns;

  constructor(patterns: TextPatterns) {
    this.#patterns = patterns;
  }

  /** The fields of a message, or of a tool call, with what they are to hold. */
  changesOf(message: object): Fields {
    const {
      content,
      refusal,
      reasoning,
      toolCalls,
      metadata,
      arguments: args,
      providerMetadata,
    }: Fields = { ...message };
    const said = { content, refusal, reasoning, arguments: args };
    const redacted = {
      content: Array.isArray(content) ? this.#parts(content) : this.#text(content),
      refusal: this.#text(refusal),
      reasoning: this.#text(reasoning),
      arguments: typeof args === "string" ? this.#json(args) : args,
    };
    const isLeftOut = !isSame(said, redacted) || !isSame(providerMetadata, this.#deep(providerMetadata));
    const changes: Fields = {
      ...redacted,
      metadata: this.#deep(metadata),
      toolCalls: Array.isArray(toolCalls) ? toolCalls.map((call: unknown) => this.#call(call)) : toolCalls,
      providerMetadata: isLeftOut ? undefined : providerMetadata,
    };
    return Object.fromEntries(Object.entries(changes).filter(([name]) => name in message));
  }

  #call(call: unknown): unknown {
    return typeof call === "object" && call !== null ? { ...call, ...this.changesOf(call) } : call;
  }

  #text(value: unknown): unknown {
    return typeof value === "string" ? this.#patterns.replaceIn(value) : value;
  }

  /** Content parts. Those of text that stand side by side are searched together. */
  #parts(parts: readonly unknown[]): unknown[] {
    const redacted: unknown[] = [];
    for (let index = 0; index < parts.length; ) {
      const texts = textsFrom(parts, index);
      const replaced = this.#patterns.replaceInNeighbours(texts);
      for (const text of replaced) redacted.push({ ...Object(parts[index++]), text });
      if (index < parts.length) redacted.push(parts[index++]);
    }
    return redacted;
  }

  /** JSON stays JSON. Text that is not JSON is searched as it is. */
  #json(text: string): string {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return this.#patterns.replaceIn(text);
    }
    const redacted = this.#deep(value);
    return isSame(value, redacted) ? text : JSON.stringify(redacted);
  }

  /** All texts and numbers in a value, and the names of its properties. */
  #deep(value: unknown): unknown {
    if (typeof value === "string") return this.#patterns.replaceIn(value);
    if (typeof value === "number") {
      const text = this.#patterns.replaceIn(String(value));
      return text === String(value) ? value : text;
    }
    if (Array.isArray(value)) return value.map((item: unknown) => this.#deep(item));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(([name, item]) => [this.#patterns.replaceIn(name), this.#deep(item)]);
    return Object.fromEntries(entries);
  }
}

/** The texts of the parts of text from `index` on, up to the next part of another kind. */
function textsFrom(parts: readonly unknown[], index: number): string[] {
  const texts: string[] = [];
  for (const part of parts.slice(index)) {
    const { type, text }: Fields = { ...Object(part) };
    if (type !== "text" || typeof text !== "string") break;
    texts.push(text);
  }
  return texts;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
