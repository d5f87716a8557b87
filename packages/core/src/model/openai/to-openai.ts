import { checkMessages } from "../../contract/check-messages.ts";
import { fieldsIn } from "../../contract/json-object.ts";
import {
  type AssistantMessage,
  beginsTurn,
  type ContentPart,
  type Message,
  type ProviderMetadata,
  type ToolMessage,
} from "../../contract/message.ts";
import { saysNothing } from "../../contract/text-of.ts";
import { alternating } from "./alternating.ts";
import { CallNames, isOfMistral, type NamedCall } from "./call-names.ts";
import { callFields, functionFields, messageFields } from "./known-fields.ts";
import {
  audioOf,
  speaker,
  spoken,
  textOnly,
  textParts,
  without,
  withoutUnsigned,
  withThought,
} from "./sent-content.ts";
import { soundMessage } from "./sound-message.ts";
import { wellFormed, wellFormedArguments } from "./well-formed.ts";
import type { OpenAIAssistantMessage, OpenAIMessage, OpenAIToolCall } from "./wire-messages.ts";

/** Options of {@link toOpenAIMessages}. */
export interface ToOpenAIOptions {
  /**
   * Who the messages are for. What the same source added to its answers (`providerMetadata.source`) goes back with
   * them. `OpenAIModel` uses its base URL, a space and the name of its model. Default: nothing goes back.
   */
  source?: string | undefined;
  /** Whether what the source added goes back to it. `false`: only the ids of its calls are kept. Default `true`. */
  sendBack?: boolean | undefined;
  /**
   * For servers that insist on turns: a user's message first, and user and assistant in turns after that. Neighbours of
   * one role are joined. Default: `true` for a source that has the name of Mistral or of one of its models.
   */
  alternate?: boolean | undefined;
  /** The names of the tools in the request, which are sent as they are. Default: none. */
  toolNames?: readonly string[] | undefined;
}

/**
 * Converts messages for a request to Chat Completions. The result is well-formed whatever is stored: one message that a
 * server refuses would end the conversation.
 *
 * - Fields of this library (`id`, `createdAt`, `status`, `usage`, `metadata`) are left out. So an aborted answer is
 *   sent as its text so far. An answer that says nothing is left out.
 * - Half a surrogate pair becomes U+FFFD. Arguments of a call that are not a JSON object become `{}`.
 * - Ids and names of calls that other servers refuse are replaced. A result has the name of its tool.
 * - Blank text is replaced by a few words, because some servers refuse it. Parts of a tool's result other than text
 *   follow the results in a message of the user, because OpenAI accepts them only there.
 *
 * Throws `INVALID_ARGUMENT` for what is not a message. Optional fields that are malformed are left out.
 */
export function toOpenAIMessages(messages: readonly Message[], options: ToOpenAIOptions = {}): OpenAIMessage[] {
  checkMessages(messages);
  const { source, alternate = source !== undefined && isOfMistral(source) } = options;
  const sent = new Outgoing(messages.map(soundMessage), { ...options, alternate }).convert();
  return wellFormed(alternate ? alternating(sent) : sent);
}

/** One conversion of messages. */
class Outgoing {
  readonly #messages: readonly Message[];
  readonly #options: ToOpenAIOptions;
  readonly #names: CallNames;
  readonly #reasoningField: string | undefined;
  readonly #ofToolTurns: ReadonlySet<Message>;
  readonly #sent: OpenAIMessage[] = [];
  /** Parts of results other than text, which wait for the end of the results. */
  #attached: ContentPart[] = [];

  constructor(messages: readonly Message[], options: ToOpenAIOptions) {
    this.#messages = messages;
    this.#options = options;
    this.#names = new CallNames(messages, options);
    this.#reasoningField = this.#findReasoningField();
    this.#ofToolTurns = messagesOfToolTurns(messages);
  }

  convert(): OpenAIMessage[] {
    for (const message of this.#messages) {
      if (message.role !== "tool") this.#attach();
      this.#add(message);
    }
    this.#attach();
    return this.#sent;
  }

  #add(message: Message): void {
    const { role } = message;
    const name = speaker(message.name);
    switch (role) {
      case "system": {
        const content = spoken(textOnly(message.content));
        if (content !== null) this.#sent.push({ role, content: textParts(content), ...name });
        return;
      }
      case "user":
        this.#sent.push({ role, content: spoken(message.content) ?? "(no text)", ...name });
        return;
      case "assistant":
        if (!saysNothing(message)) this.#addAnswer({ ...this.#assistant(message), ...name });
        return;
      case "tool":
        this.#sent.push(this.#result(message));
    }
  }

  /** Leaves out an answer of which nothing is to be said: servers refuse `null` without calls. */
  #addAnswer(answer: OpenAIAssistantMessage & { readonly audio?: unknown; readonly images?: unknown }): void {
    const { content, tool_calls: calls, refusal, audio, images } = answer;
    if (content !== null || calls || refusal || audio || images) this.#sent.push(answer);
  }

  #assistant(message: AssistantMessage): OpenAIAssistantMessage {
    const { content, refusal, toolCalls = [] } = message;
    const fields = this.#returned(message.providerMetadata);
    const { content: thoughts, ...reasoning } = this.#returnedReasoning(message);
    const audio = audioOf(fields?.["audio"]);
    const { audio: _audio, ...others } = withoutUnsigned(fields ?? {});
    const text = content === null || audio !== undefined ? null : spoken(textOnly(content));
    const thought = typeof thoughts === "string" && thoughts !== "" ? withThought(thoughts, text) : undefined;
    // A refusal is a field of OpenAI's own: a server that did not send it is told as text what the model said.
    const { source } = this.#options;
    const isForeign = source !== undefined && message.providerMetadata?.source !== source;
    const refused = refusal !== undefined && refusal.trim() !== "" && text === null && isForeign;
    return {
      ...without(others, messageFields),
      ...reasoning,
      ...(audio !== undefined && { audio }),
      role: "assistant",
      content: thought ?? (refused ? refusal : text === null ? null : textParts(text)),
      ...(refusal !== undefined && !isForeign && { refusal }),
      // Servers refuse an empty list.
      ...(toolCalls.length > 0 && { tool_calls: this.#names.calls(toolCalls).map((call) => this.#call(call)) }),
    };
  }

  #call({ call, id, name }: NamedCall): OpenAIToolCall {
    const { function: added, ...fields } = this.#returned(call.providerMetadata) ?? {};
    return {
      ...without(fields, callFields),
      id,
      type: "function",
      function: {
        ...without(fieldsIn(added), functionFields),
        name,
        arguments: wellFormedArguments(call.arguments),
      },
    };
  }

  #result(message: ToolMessage): OpenAIMessage {
    const { id, name = message.name } = this.#names.result(message);
    const content = spoken(message.content) ?? "(no output)";
    const sent = { role: "tool", tool_call_id: id, ...(name !== undefined && { name }) } as const;
    if (typeof content === "string") return { ...sent, content };
    // One text: some servers make a message of each part.
    const text = content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
    const others = content.filter((part) => part.type !== "text");
    if (others.length === 0) return { ...sent, content: text };
    if (this.#options.alternate === true) return { ...sent, content: textParts(content) };
    this.#attached.push({ type: "text", text: `From the result of ${name ?? "the tool"}:` }, ...others);
    return { ...sent, content: text === "" ? "(The result is in the next message of the user.)" : text };
  }

  #attach(): void {
    if (this.#attached.length > 0) this.#sent.push({ role: "user", content: this.#attached });
    this.#attached = [];
  }

  /** The fields that go back to the source that sent them. `undefined`: none of them do. */
  #returned(metadata: ProviderMetadata | undefined): Readonly<Record<string, unknown>> | undefined {
    const { source, sendBack = true } = this.#options;
    return sendBack && source !== undefined && metadata?.source === source ? metadata.fields : undefined;
  }

  /**
   * Servers that want reasoning back want it with every answer of a turn with calls, be it empty. In other turns they
   * ignore it.
   */
  #returnedReasoning(message: AssistantMessage): Record<string, unknown> {
    const field = this.#reasoningField;
    if (field === undefined || !this.#ofToolTurns.has(message)) return {};
    const { reasoning = "", providerMetadata } = message;
    return { [field]: this.#returned(providerMetadata) === undefined ? "" : reasoning };
  }

  /** The name under which this source sends reasoning. `undefined`: it is not known to want any back. */
  #findReasoningField(): string | undefined {
    const { source, sendBack = true } = this.#options;
    if (source === undefined || !sendBack) return undefined;
    // The newest: a server may have been upgraded since.
    const newest = this.#messages.findLast(
      (message) =>
        message.role === "assistant" &&
        message.providerMetadata?.source === source &&
        message.providerMetadata.reasoningField !== undefined,
    );
    if (newest?.role === "assistant") return newest.providerMetadata?.reasoningField;
    return /deepseek|kimi|moonshot/i.test(source) ? "reasoning_content" : undefined;
  }
}

/** The messages of turns in which tools were called. */
function messagesOfToolTurns(messages: readonly Message[]): ReadonlySet<Message> {
  const found = new Set<Message>();
  let turn: Message[] = [];
  let hasCalls = false;
  const end = (): void => {
    if (hasCalls) for (const message of turn) found.add(message);
    turn = [];
    hasCalls = false;
  };
  for (const message of messages) {
    if (beginsTurn(message)) end();
    turn.push(message);
    hasCalls ||= message.role === "assistant" && (message.toolCalls ?? []).length > 0;
  }
  end();
  return found;
}
