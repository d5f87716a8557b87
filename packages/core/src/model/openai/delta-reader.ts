import { fieldsIn, type JsonObject } from "../../contract/json-object.ts";
import type { ProviderMetadata, ToolCall } from "../../contract/message.ts";
import type { ModelEvent } from "../chat-model.ts";
import { type Field, fieldsOf, listAt, notUnderstood, textAt } from "./answer-fields.ts";
import { messageFields, reasoningFields } from "./known-fields.ts";
import { ProviderFields } from "./provider-fields.ts";
import { isThought, isThoughtPart, splitThought, thoughtIn, withoutThoughtMark } from "./thought-parts.ts";
import { ToolCallAssembly } from "./tool-calls.ts";

/** Reads the deltas of one answer. What is not text, reasoning, refusal or call is kept for its sender. */
export class DeltaReader {
  readonly #source: string;
  readonly #calls = new ToolCallAssembly();
  readonly #added = new ProviderFields();
  #reasoningField: string | undefined;
  #hasRefused = false;
  /** The text so far. */
  #text = "";
  /** In how many pieces it came. */
  #pieces = 0;
  /** Whether a delta has said something. */
  #hasDeltas = false;
  #hasReasoned = false;
  /** Whether the last text was a thought of Google's kind. */
  #isThinking = false;
  hasRead = false;

  constructor(source: string) {
    this.#source = source;
  }

  /** The events of a delta. Throws if it is not understood. */
  *read(delta: Field): Generator<ModelEvent> {
    const fields = fieldsOf(delta);
    if (fields === undefined || Object.keys(fields).length === 0) return;
    yield* this.#events(delta.path, fields);
    this.#hasDeltas = this.#text !== "" || this.#hasReasoned || !this.#calls.isEmpty;
  }

  /**
   * The events of a message where a delta belongs. Some servers send pieces as messages, some send the whole message
   * after its deltas.
   */
  *readMessage(message: Field): Generator<ModelEvent> {
    const fields = fieldsOf(message);
    if (fields === undefined) return;
    const { content } = fields;
    const isWholeAgain = this.#hasDeltas || (this.#pieces > 1 && content === this.#text);
    if (!isWholeAgain) {
      yield* this.#events(message.path, fields);
      return;
    }
    // What did not come in pieces.
    const [text, calls] = [this.#text, this.#calls.isEmpty];
    const rest = typeof content === "string" && content.startsWith(text) ? content.slice(text.length) : undefined;
    const had = [...Object.keys(this.#added.fields), ...(this.#hasReasoned ? reasoningFields : [])];
    const missing = Object.entries(fields).filter(([name]) => !had.includes(name) && (calls || name !== "tool_calls"));
    yield* this.#events(message.path, { ...Object.fromEntries(missing), content: rest, refusal: undefined });
  }

  /** The calls of a whole answer. */
  calls(): ToolCall[] {
    return this.#calls.complete(this.#source);
  }

  /** The calls of an answer that was cut, as far as they can be understood. */
  partialCalls(): ToolCall[] {
    try {
      return this.calls();
    } catch {
      return []; // they are not run, and the answer is marked as incomplete
    }
  }

  /** What is to be kept with the message. `undefined`: there is nothing. */
  metadata(hasCalls: boolean): ProviderMetadata | undefined {
    const field = this.#reasoningField;
    if (!hasCalls && !this.#hasRefused && field === undefined && this.#added.isEmpty) return undefined;
    const { fields } = this.#added;
    return { source: this.#source, fields, ...(field !== undefined && { reasoningField: field }) };
  }

  *#events(path: string, fields: JsonObject): Generator<ModelEvent> {
    this.hasRead = true;
    const at = (name: string): Field => ({ path: `${path}.${name}`, value: fields[name] });
    yield* this.#reason(fields);
    if (isThought(fields)) yield* this.#think(textAt(at("content")));
    else yield* this.#content(at("content"));
    const refusal = textAt(at("refusal"));
    this.#hasRefused ||= refusal !== "";
    if (refusal !== "") yield { type: "refusal", text: refusal };
    this.#calls.add(at("tool_calls"));
    // The old form of a call.
    const called = fields["function_call"];
    if (called) this.#calls.add({ path, value: { function: called } });
    yield* this.#transcript(fields["audio"]);
    const reasoning = reasoningFields.filter((name) => typeof fields[name] === "string");
    this.#added.add(withoutThoughtMark(fields), [...messageFields, ...reasoning]);
  }

  /**
   * A server may send the same text under two names. The first name that has text is the one that it wants back. A name
   * without text counts until then: the server wants it back empty.
   */
  *#reason(fields: JsonObject): Generator<ModelEvent> {
    const given = reasoningFields.filter((name) => typeof fields[name] === "string");
    const [first] = given;
    const filled = given.find((name) => fields[name] !== "");
    const known = this.#hasReasoned && reasoningFields.includes(this.#reasoningField ?? "");
    if (!known) this.#reasoningField = filled ?? this.#reasoningField ?? first;
    const text = this.#reasoningField === undefined ? undefined : fields[this.#reasoningField];
    if (filled === undefined || typeof text !== "string" || text === "") return;
    this.#hasReasoned = true;
    yield { type: "reasoning", text };
  }

  *#content(content: Field): Generator<ModelEvent> {
    const { path, value } = content;
    if (typeof value !== "object") {
      yield* this.#say(textAt(content));
      return;
    }
    for (const part of listAt({ path, value })) {
      if (typeof part.value === "string") yield* this.#say(part.value);
      else yield* this.#part(part);
    }
  }

  *#part(part: Field): Generator<ModelEvent> {
    const fields = fieldsOf(part);
    if (fields === undefined) return;
    const { type, text, refusal } = fields;
    if (type === "text" || type === "output_text") {
      yield* this.#say(textAt({ path: `${part.path}.text`, value: text }));
    } else if (isThoughtPart(type)) {
      const thought = thoughtIn(fields);
      this.#reasoningField ??= "content";
      if (thought === "") return;
      this.#hasReasoned = true;
      yield { type: "reasoning", text: thought };
    } else if (type === "refusal") {
      this.#hasRefused = true;
      yield { type: "refusal", text: textAt({ path: `${part.path}.refusal`, value: refusal }) };
    } else if (typeof type === "string") {
      this.#added.addField("content", [fields]);
    } else {
      throw notUnderstood(`${part.path}.type`, "it is missing");
    }
  }

  /** Google's endpoint sends thoughts as text between two tags. The second tag may come with the text of the answer. */
  *#think(text: string): Generator<ModelEvent> {
    const { thought, said } = splitThought(text);
    this.#isThinking = said === undefined;
    if (thought !== "") {
      this.#hasReasoned = true;
      yield { type: "reasoning", text: thought };
    }
    if (said !== undefined) yield* this.#say(said);
  }

  *#say(given: string): Generator<ModelEvent> {
    const text = this.#isThinking ? given.replace(/^\s*<\/thought>/, "") : given;
    this.#isThinking &&= given === "";
    this.#text += text;
    if (text !== "") this.#pieces += 1;
    if (text !== "") yield { type: "text", text };
  }

  /** The text of what is said as sound. */
  *#transcript(audio: unknown): Generator<ModelEvent> {
    const { transcript } = fieldsIn(audio);
    if (typeof transcript === "string") yield* this.#say(transcript);
  }
}
