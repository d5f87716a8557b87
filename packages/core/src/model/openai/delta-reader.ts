import { fieldsIn, type JsonObject } from "../../contract/json-object.ts";
import type { ProviderMetadata, ToolCall } from "../../contract/message.ts";
import type { ModelEvent } from "../chat-model.ts";
import { type Field, fieldsOf, listAt, notUnderstood, textAt } from "./answer-fields.ts";
import { messageFields, reasoningFields } from "./known-fields.ts";
import { ProviderFields } from "./provider-fields.ts";
import { isThoughtPart, thoughtIn } from "./thought-parts.ts";
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
  /** Whether a delta has been read. */
  #hasDeltas = false;
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
    this.#hasDeltas = true;
    yield* this.#events(delta.path, fields);
  }

  /**
   * The events of a message where a delta belongs. Some servers send pieces as messages, some send the whole message
   * after its deltas.
   */
  *readMessage(message: Field): Generator<ModelEvent> {
    const fields = fieldsOf(message);
    if (fields === undefined) return;
    if (!this.#hasDeltas) {
      yield* this.#events(message.path, fields);
      return;
    }
    const { content, tool_calls: calls } = fields;
    if (this.#calls.isEmpty) this.#calls.add({ path: `${message.path}.tool_calls`, value: calls });
    if (typeof content === "string" && content.startsWith(this.#text))
      yield* this.#say(content.slice(this.#text.length));
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
    if (isThought(fields)) {
      yield* this.#think(textAt(at("content")));
      return;
    }
    yield* this.#content(at("content"));
    const refusal = textAt(at("refusal"));
    this.#hasRefused ||= refusal !== "";
    if (refusal !== "") yield { type: "refusal", text: refusal };
    this.#calls.add(at("tool_calls"));
    // The old form of a call.
    const called = fields["function_call"];
    if (called) this.#calls.add({ path, value: { function: called } });
    yield* this.#transcript(fields["audio"]);
    const reasoning = reasoningFields.filter((name) => typeof fields[name] === "string");
    this.#added.add(fields, [...messageFields, ...reasoning]);
  }

  /** A server may send the same text under two names. The first name is the one that it wants back. */
  *#reason(fields: JsonObject): Generator<ModelEvent> {
    this.#reasoningField ??= reasoningFields.find((name) => typeof fields[name] === "string");
    const field = reasoningFields.find((name) => name === this.#reasoningField); // not a part of the content
    const text = field === undefined ? undefined : fields[field];
    if (typeof text === "string" && text !== "") yield { type: "reasoning", text };
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
      if (thought !== "") yield { type: "reasoning", text: thought };
    } else if (type === "refusal") {
      this.#hasRefused = true;
      yield { type: "refusal", text: textAt({ path: `${part.path}.refusal`, value: refusal }) };
    } else if (typeof type === "string") {
      this.#added.addField("content", [fields]);
    } else {
      throw notUnderstood(`${part.path}.type`, "it is missing");
    }
  }

  /** Google's endpoint sends thoughts as text between two tags. The second tag comes with the text of the answer. */
  *#think(text: string): Generator<ModelEvent> {
    this.#isThinking = true;
    const thought = text.replaceAll(/<\/?thought>/g, "");
    if (thought !== "") yield { type: "reasoning", text: thought };
  }

  *#say(given: string): Generator<ModelEvent> {
    const text = this.#isThinking ? given.replace(/^\s*<\/thought>/, "") : given;
    this.#isThinking &&= given === "";
    this.#text += text;
    if (text !== "") yield { type: "text", text };
  }

  /** The text of what is said as sound. */
  *#transcript(audio: unknown): Generator<ModelEvent> {
    const { transcript } = fieldsIn(audio);
    if (typeof transcript === "string") yield* this.#say(transcript);
  }
}

/** Whether the text of a delta is marked as a thought, as Google's endpoint does. */
function isThought(fields: JsonObject): boolean {
  return fieldsIn(fieldsIn(fields["extra_content"])["google"])["thought"] === true;
}
