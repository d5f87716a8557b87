import { cloneJson } from "../adapter-kit/records.ts";
import { untilAborted } from "../concurrency/until-aborted.ts";
import { MemoryError } from "../contract/memory-error.ts";
import type { AssistantMessage, Message, ToolCall, ToolMessage, Usage, UserMessage } from "../contract/message.ts";
import type { Reply } from "../contract/reply.ts";
import { textOf } from "../contract/text-of.ts";
import type { ChatModel, ModelEvent, ToolSpec } from "../model/chat-model.ts";
import { AnswerDraft } from "./answer-draft.ts";
import { type ModelOptions, optionsOfRound } from "./model-options.ts";
import { pairToolCalls } from "./pair-tool-calls.ts";
import { runTool } from "./run-tool.ts";
import type { Tool } from "./tool.ts";

export interface ExchangeOptions {
  model: ChatModel;
  /** What the model is sent before the question: the system prompt and the window. */
  context: readonly Message[];
  question: UserMessage;
  tools: ReadonlyMap<string, { tool: Tool; spec: ToolSpec }>;
  maxToolRounds: number;
  modelOptions: ModelOptions;
  signal: AbortSignal;
  /** Called with each piece of text or of a refusal. */
  onText: (text: string) => void;
  /** Called with each piece of reasoning. */
  onReasoning: (text: string) => void;
}

/** One exchange with the model: from the user's message, over tool rounds, to the answer. It does not use a store. */
export class Exchange {
  readonly #options: ExchangeOptions;
  /** The complete messages of the turn so far. */
  readonly #messages: Message[];
  /** The answer that is being received. */
  #draft = new AnswerDraft();
  /** The results of this round's tools so far. */
  #results: ToolMessage[] = [];
  /** All calls that the model asked for. */
  readonly #calls: ToolCall[] = [];
  #finishReason: string | null = null;
  #usage: Usage | null = null;
  #toolRounds = 0;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#messages = [options.question];
  }

  /** The whole turn, after {@link run} has resolved. */
  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** The tokens so far. */
  get usage(): Usage | null {
    return this.#usage;
  }

  /** The number of tool rounds so far. */
  get toolRounds(): number {
    return this.#toolRounds;
  }

  async run(): Promise<Reply> {
    for (;;) {
      const message = await this.#answer();
      this.#messages.push(message);
      if (message.toolCalls === undefined) return this.#reply(message);
      await this.#runTools(message.toolCalls);
    }
  }

  /**
   * What remains of an aborted exchange: the question and the text so far, with `status: "aborted"`. Tool calls remain
   * only if they have a result. `null`: there was no text yet.
   */
  partial(): { messages: Message[]; reply: Reply } | null {
    const spoken = this.#draft.isEmpty ? [] : [this.#draft.partial()];
    const messages = pairToolCalls([...this.#messages, ...this.#results, ...spoken]);
    const index = messages.findLastIndex((message) => message.role === "assistant");
    if (!messages.some((message) => message.role === "assistant" && spokenText(message) !== "")) return null;
    const last = messages[index] as AssistantMessage; // found by its role
    const message: AssistantMessage = { ...last, status: "aborted" };
    messages[index] = message;
    this.#finishReason = null;
    return { messages, reply: this.#reply(message) };
  }

  #reply(message: AssistantMessage): Reply {
    return {
      text: spokenText(message),
      reasoning: message.reasoning ?? "",
      toolCalls: cloneJson(this.#calls),
      finishReason: this.#finishReason,
      usage: this.#usage,
      message,
    };
  }

  async #answer(): Promise<AssistantMessage> {
    const { model, context, tools, signal, modelOptions, onText, onReasoning } = this.#options;
    const draft = new AnswerDraft();
    this.#draft = draft;
    const specs = [...tools.values()].map(({ spec }) => spec);
    signal.throwIfAborted();
    // A copy: changes that a model makes to its request must not be stored.
    const messages = cloneJson([...context, ...this.#messages]);
    const options = optionsOfRound(modelOptions, this.#toolRounds);
    const events = model.generate({ messages, tools: specs, signal, options });
    for await (const event of abortable(events, signal)) {
      draft.add(event);
      if (event.type === "text" || event.type === "refusal") onText(event.text);
      if (event.type === "reasoning") onReasoning(event.text);
    }
    if (draft.usage !== undefined) this.#usage = sum(this.#usage, draft.usage);
    if (!draft.finished) {
      throw new Error(
        "The model's answer broke off: its stream ended without a `finish` event. Nothing was stored; ask again.",
      );
    }
    this.#draft = new AnswerDraft();
    this.#finishReason = draft.finishReason;
    this.#calls.push(...draft.calls);
    return draft.message();
  }

  async #runTools(calls: readonly ToolCall[]): Promise<void> {
    const { tools, maxToolRounds, signal } = this.#options;
    if (this.#toolRounds === maxToolRounds) {
      throw new MemoryError(
        "TOOL_ROUNDS_EXCEEDED",
        `The model still calls tools after ${maxToolRounds} rounds; nothing was stored.`,
        {
          hint: "Raise maxToolRounds, or find out what the model is looking for.",
        },
      );
    }
    this.#toolRounds += 1;
    const results = calls.map(async (call) => {
      const result = await runTool(tools.get(call.name)?.tool, call, signal);
      this.#results.push(result);
      return result;
    });
    this.#messages.push(...(await untilAborted(Promise.all(results), signal)));
    this.#results = [];
  }
}

/** The text of a message that a reader of the stream has seen. */
function spokenText(message: AssistantMessage): string {
  return textOf(message) || (message.refusal ?? "");
}

function sum(a: Usage | null, b: Usage): Usage {
  return {
    promptTokens: (a?.promptTokens ?? 0) + b.promptTokens,
    completionTokens: (a?.completionTokens ?? 0) + b.completionTokens,
    totalTokens: (a?.totalTokens ?? 0) + b.totalTokens,
  };
}

/** The events until the signal is aborted, even if the model ignores the signal. */
async function* abortable(events: AsyncIterable<ModelEvent>, signal: AbortSignal): AsyncGenerator<ModelEvent> {
  const iterator = events[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const step = await untilAborted(iterator.next(), signal);
      if (step.done) {
        ended = true;
        return;
      }
      yield step.value;
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    // A model that is stopped early may reject. That error is of no use, and the abort does not wait for it.
    if (!ended) void Promise.allSettled([iterator.return?.()]);
  }
}
