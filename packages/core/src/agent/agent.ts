import type { StandardSchemaV1 } from "@standard-schema/spec";
import { checkOptions, signalOf } from "../adapter-kit/check-arguments.ts";
import { checkOptionNames } from "../adapter-kit/option-names.ts";
import { encodeRecords } from "../adapter-kit/records.ts";
import { TaskQueue } from "../concurrency/task-queue.ts";
import type { CallOptions, ListOptions, MemoryBackend } from "../contract/backend.ts";
import { MemoryError } from "../contract/memory-error.ts";
import { checkMemoryId } from "../contract/memory-id.ts";
import { type Message, newMessageProblem, type UserMessage, user } from "../contract/message.ts";
import type { Reply } from "../contract/reply.ts";
import type { Conversation, Regression } from "../conversation/conversation.ts";
import type { ConflictPolicy } from "../conversation/turn.ts";
import { checkLimits, type WindowLimits } from "../conversation/window.ts";
import type { ChatModel, ToolSpec } from "../model/chat-model.ts";
import { OpenAIModel, type OpenAIModelOptions } from "../model/openai/model.ts";
import { type AbortPolicy, type AgentOptions, agentOptionNames, checkOption } from "./agent-options.ts";
import type { ModelOptions } from "./model-options.ts";
import { OpenConversations } from "./open-conversations.ts";
import { type ReplyListener, ReplyStream } from "./reply-stream.ts";
import type { AgentTurn } from "./run-turn.ts";
import { ShortMemory } from "./short-memory.ts";
import { specOf, type Tool } from "./tool.ts";
import type { TurnPlace } from "./turn-target.ts";

/**
 * A model that remembers. The methods that configure change this agent and return it. They may be called in any order,
 * and apply from the next ask on. They throw `INVALID_CONFIG` for an invalid argument, unless they say otherwise. Asks
 * run one after another.
 *
 * ```ts
 * const ai = Agent.openAI("gpt-4").withLongMemory("user-alice").usingBackend(backend);
 * await ai.ask("My favourite colour is blue");
 * ```
 *
 * The turn is stored before `ask` resolves. An ask from within a tool of the same agent would wait for itself: use
 * another agent there.
 */
export class Agent {
  readonly #model: ChatModel;
  readonly #tools = new Map<string, { tool: Tool; spec: ToolSpec }>();
  readonly #conversations = new OpenConversations();
  readonly #shortMemory = new ShortMemory();
  readonly #queue = new TaskQueue();
  #system: string | undefined;
  #remembers = false;
  #memoryId: string | undefined;
  #backend: MemoryBackend | undefined;
  #backendUsed = false;
  #stateless = false;
  #autoSave = true;
  #limits: WindowLimits = {};
  #maxToolRounds = 10;
  #modelOptions: ModelOptions = {};
  #onAbort: AbortPolicy = "keep";
  #onConflict: ConflictPolicy = "append";
  #onRegression: ((regression: Regression) => void) | undefined;

  /** Throws `INVALID_CONFIG`, `INVALID_MEMORY_ID` or `INVALID_ARGUMENT` for an invalid option. */
  constructor(options: AgentOptions) {
    checkOptionNames("Agent", options, agentOptionNames);
    checkOption(
      typeof options?.model?.generate === "function",
      "model",
      "a ChatModel, such as an OpenAIModel",
      options?.model,
    );
    this.#model = options.model;
    if (options.system !== undefined) this.withSystem(options.system);
    if (options.shortMemory !== undefined) this.withShortMemory(options.shortMemory);
    if (options.longMemory !== undefined) this.withLongMemory(options.longMemory);
    if (options.backend !== undefined) this.usingBackend(options.backend);
    if (options.stateless !== undefined) this.withStateless(options.stateless);
    if (options.autoSaveLongMemory !== undefined) this.withAutoSaveLongMemory(options.autoSaveLongMemory);
    if (options.maxHistory !== undefined) this.withMaxHistory(options.maxHistory);
    if (options.countTokens !== undefined) this.#withLimits({ ...this.#limits, countTokens: options.countTokens });
    if (options.maxTokens !== undefined) this.withMaxTokens(options.maxTokens);
    for (const tool of options.tools ?? []) this.withTool(tool);
    if (options.maxToolRounds !== undefined) this.withMaxToolRounds(options.maxToolRounds);
    if (options.modelOptions !== undefined) this.withModelOptions(options.modelOptions);
    if (options.onAbort !== undefined) this.withAbortPolicy(options.onAbort);
    if (options.onConflict !== undefined) this.withConflictPolicy(options.onConflict);
    if (options.onRegression !== undefined) this.withRegressionHandler(options.onRegression);
  }

  /**
   * An agent on a model of OpenAI, or of any server with the same protocol (`baseURL`). Needs the package `openai`.
   * As in `new OpenAI()` of that package, absent options come from the environment: the key from `OPENAI_API_KEY`.
   * Throws `INVALID_CONFIG` without a key, or for an invalid option or variable.
   */
  static openAI(model: string, options: OpenAIModelOptions = {}): Agent {
    return new Agent({ model: new OpenAIModel(model, options) });
  }

  /** Sets the system prompt: sent before every window, never stored, never trimmed. */
  withSystem(prompt: string): this {
    checkOption(typeof prompt === "string", "system prompt", "a string", prompt);
    this.#system = prompt;
    return this;
  }

  /** Remembers in RAM, within the limits of the window. */
  withShortMemory(remember = true): this {
    checkOption(typeof remember === "boolean", "shortMemory", "true or false", remember);
    this.#remembers = remember;
    return this;
  }

  /**
   * Remembers under this id in the backend, across processes. Earlier asks keep the id that they were made with. Throws
   * `INVALID_MEMORY_ID`.
   */
  withLongMemory(memoryId: string): this {
    checkMemoryId(memoryId);
    this.#memoryId = memoryId;
    this.#conversations.prune(memoryId);
    return this;
  }

  /**
   * Sets the store of long memory. Nothing is read before the first ask. Throws `INVALID_CONFIG` if another backend was
   * already used.
   */
  usingBackend(backend: MemoryBackend): this {
    checkOption(
      typeof backend?.load === "function" && typeof backend.save === "function",
      "backend",
      "a MemoryBackend",
      backend,
    );
    if (this.#backendUsed && backend !== this.#backend) {
      throw new MemoryError("INVALID_CONFIG", "The agent has already used its backend.", {
        hint: "Configure it before the first ask, or make another agent for another backend.",
      });
    }
    this.#backend = backend;
    return this;
  }

  /**
   * Says that this agent is meant to store nothing in its backend: it asks without `withLongMemory`, and only lists
   * memories there. Short memory stays possible. Not together with long memory: an ask rejects with `INVALID_CONFIG`.
   */
  withStateless(stateless = true): this {
    checkOption(typeof stateless === "boolean", "stateless", "true or false", stateless);
    this.#stateless = stateless;
    return this;
  }

  /** Sets whether `ask` stores each turn before it resolves. Default `true`. If not, {@link saveLongMemory} does. */
  withAutoSaveLongMemory(autoSave = true): this {
    checkOption(typeof autoSave === "boolean", "autoSaveLongMemory", "true or false", autoSave);
    this.#autoSave = autoSave;
    return this;
  }

  /**
   * Sets the maximum number of messages of the history that the model is sent, in whole turns. The store keeps all.
   * Default 20. Throws `INVALID_ARGUMENT`.
   */
  withMaxHistory(messages: number): this {
    return this.#withLimits({ ...this.#limits, maxMessages: messages });
  }

  /**
   * Sets the maximum number of tokens of the history that the model is sent, in whole turns. `countTokens` returns the
   * tokens of a message; default: the current function. Throws `INVALID_ARGUMENT`.
   */
  withMaxTokens(tokens: number, countTokens: WindowLimits["countTokens"] = this.#limits.countTokens): this {
    return this.#withLimits({ ...this.#limits, maxTokens: tokens, countTokens });
  }

  /** Lets the model call a tool. Throws `INVALID_CONFIG` for a name that another tool has, or without JSON Schema. */
  withTool<Schema extends StandardSchemaV1>(tool: Tool<Schema>): this {
    checkOption(
      typeof tool?.name === "string" && typeof tool.execute === "function",
      "tool",
      "an object with a name and an execute",
      tool,
    );
    if (this.#tools.has(tool.name)) {
      throw new MemoryError("INVALID_CONFIG", `The agent already has a tool named ${JSON.stringify(tool.name)}.`);
    }
    this.#tools.set(tool.name, { tool, spec: specOf(tool) });
    return this;
  }

  /** Sets how many rounds of tool calls a turn may have before it fails with `TOOL_ROUNDS_EXCEEDED`. Default 10. */
  withMaxToolRounds(rounds: number): this {
    checkOption(Number.isSafeInteger(rounds) && rounds >= 0, "maxToolRounds", "a non-negative integer", rounds);
    this.#maxToolRounds = rounds;
    return this;
  }

  /**
   * Sets the options that each request passes to the model, such as a temperature. They replace all earlier ones. A
   * function returns them for each request; it is given the number of tool rounds that the turn has had. In an object,
   * a `tool_choice` that forces a call holds for the first request of a turn, and is `"auto"` after that.
   */
  withModelOptions(options: ModelOptions): this {
    const isFunction = typeof options === "function";
    const isObject = typeof options === "object" && options !== null;
    checkOption(isFunction || isObject, "modelOptions", "an object or a function that returns one", options);
    this.#modelOptions = isFunction ? options : { ...options };
    return this;
  }

  /**
   * Sets what is stored of an aborted or abandoned turn: the question and the text so far (`"keep"`, default), or
   * nothing (`"discard"`).
   */
  withAbortPolicy(policy: AbortPolicy): this {
    checkOption(policy === "keep" || policy === "discard", "onAbort", '"keep" or "discard"', policy);
    this.#onAbort = policy;
    return this;
  }

  /**
   * Sets what happens if another writer wrote meanwhile: both turns are kept (`"append"`, default), or this agent's
   * turn is rejected (`"throw"`).
   */
  withConflictPolicy(policy: ConflictPolicy): this {
    checkOption(policy === "append" || policy === "throw", "onConflict", '"append" or "throw"', policy);
    this.#onConflict = policy;
    return this;
  }

  /** Sets the function to call if the store has lost turns that it had acknowledged. The conversation continues. */
  withRegressionHandler(handler: (regression: Regression) => void): this {
    checkOption(typeof handler === "function", "onRegression", "a function", handler);
    this.#onRegression = handler;
    return this;
  }

  /**
   * Asks the model, and resolves to its text after the turn is stored. Rejects
   * - with `INVALID_ARGUMENT` or `INVALID_RECORD` for an invalid question;
   * - with `BACKEND_REQUIRED` for long memory without a backend, and with `MEMORY_ID_REQUIRED` for a backend without
   *   long memory, unless the agent is stateless ({@link withStateless});
   * - with the backend's error, before the model is called, if loading or storing an earlier pending turn fails;
   * - with the model's error, or `TOOL_ROUNDS_EXCEEDED`: nothing is stored;
   * - with `SAVE_FAILED` if the model replied but the turn could not be stored. The reply is on the error. If it is
   *   `retryable`, the next ask or {@link saveLongMemory} stores the turn; asking again would store it twice;
   * - with the signal's reason, after storing what {@link withAbortPolicy} keeps.
   */
  async ask(input: UserMessage["content"], options: CallOptions = {}): Promise<string> {
    const { text } = await this.stream(input, options).reply;
    return text;
  }

  /**
   * Asks the model, and returns its text as it arrives; its reasoning arrives in `stream.reasoning`, and the whole
   * {@link Reply} in `stream.reply`. The turn runs by itself, and ends as in {@link ask}.
   */
  stream(input: UserMessage["content"], options: CallOptions = {}): ReplyStream {
    checkOptions(options);
    const { signal: given } = options;
    return new ReplyStream((listener, signal) => this.#ask(input, listener, signal), given ?? undefined);
  }

  /** A copy of the window: the loaded messages that the next ask would send after the system prompt. */
  getHistory(): Message[] {
    if (this.#memoryId === undefined)
      return structuredClone(this.#remembers ? this.#shortMemory.window(this.#limits) : []);
    return this.#conversations.get(this.#memoryId)?.messages ?? [];
  }

  /**
   * Empties the window in RAM: the model is sent only what is said from now on. The store keeps everything.
   * {@link loadLongMemory} brings it back, and so does a switch to another memory and back.
   */
  clear(): this {
    if (this.#memoryId === undefined) {
      this.#shortMemory.clear();
    } else if (this.#backend !== undefined) {
      const conversation = this.#useConversation(this.#memoryId);
      conversation.clear();
      this.#release(conversation);
    }
    return this;
  }

  /**
   * Drops the turns of this memory that could not be stored, and returns them, oldest first. Use it if the store will
   * never accept them, because every ask rejects until then.
   */
  discardPending(): Message[][] {
    if (this.#memoryId === undefined) return [];
    return this.#conversations.get(this.#memoryId)?.discardPending() ?? [];
  }

  /**
   * Stores all pending turns, of every id that this agent has had. Rejects with `SAVE_FAILED`: turns that failed stay
   * pending, unless they can never be stored. Rejects with `MEMORY_ID_REQUIRED` or `BACKEND_REQUIRED` without long
   * memory.
   */
  async saveLongMemory(options: CallOptions = {}): Promise<void> {
    const signal = signalOf(options);
    this.#backendOf(this.#longMemoryId());
    await this.#queue.run(async () => {
      const results = await Promise.allSettled(
        this.#conversations.all.map((conversation) => conversation.flush({ signal })),
      );
      const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
      signal?.throwIfAborted();
      const pending = this.#conversations.all.some((conversation) => conversation.pending > 0);
      if (failures.length === 0) return;
      const { savesFailed } = await import("../lazy-chunk.ts");
      throw savesFailed(failures, pending);
    }, signal);
  }

  /**
   * Loads the window again. The first ask loads it without this. Pending turns stay pending. Rejects with the backend's
   * error, or with `MEMORY_ID_REQUIRED` or `BACKEND_REQUIRED` without long memory.
   */
  async loadLongMemory(options: CallOptions = {}): Promise<void> {
    await this.#withConversation(options, (conversation, signal) => conversation.reload({ signal }));
  }

  /**
   * Deletes the memory in the store and in RAM, with its pending turns. Rejects with the backend's error, or with
   * `MEMORY_ID_REQUIRED` or `BACKEND_REQUIRED` without long memory.
   */
  async deleteLongMemory(options: CallOptions = {}): Promise<void> {
    await this.#withConversation(options, (conversation, signal) => conversation.delete({ signal }));
  }

  /**
   * The ids of all memories in the backend whose id starts with `prefix`, each once, in any order. Rejects with the
   * backend's error, or with `BACKEND_REQUIRED`.
   */
  async listLongMemories(options: ListOptions = {}): Promise<string[]> {
    return this.#backendOf(undefined).list(options);
  }

  #withLimits(limits: WindowLimits): this {
    checkLimits(limits);
    this.#limits = limits;
    this.#conversations.setLimits(limits);
    return this;
  }

  #longMemoryId(): string {
    if (this.#memoryId !== undefined) return this.#memoryId;
    throw new MemoryError("MEMORY_ID_REQUIRED", "The agent has no long memory.", {
      hint: "Call withLongMemory(id) first.",
    });
  }

  #backendOf(memoryId: string | undefined): MemoryBackend {
    if (this.#backend !== undefined) {
      this.#backendUsed = true;
      return this.#backend;
    }
    throw new MemoryError("BACKEND_REQUIRED", "The agent's long memory has no backend.", {
      memoryId,
      hint: "Give it one with usingBackend(…), from @deep-agent/redis, @deep-agent/file, @deep-agent/in-memory or another adapter.",
    });
  }

  #useConversation(memoryId: string): Conversation {
    return this.#conversations.use({
      ...this.#limits,
      memoryId,
      backend: this.#backendOf(memoryId),
      onRegression: (regression) => this.#onRegression?.(regression),
    });
  }

  async #withConversation(
    options: CallOptions,
    task: (conversation: Conversation, signal: AbortSignal | undefined) => Promise<unknown>,
  ): Promise<void> {
    const signal = signalOf(options);
    const conversation = this.#useConversation(this.#longMemoryId());
    try {
      await this.#queue.run(() => task(conversation, signal), signal);
    } finally {
      this.#release(conversation);
    }
  }

  #release(conversation: Conversation): void {
    this.#conversations.release(conversation);
    this.#conversations.prune(this.#memoryId);
  }

  async #ask(input: UserMessage["content"], listener: ReplyListener, signal: AbortSignal): Promise<Reply> {
    const question = questionOf(input);
    const memoryId = this.#memoryId;
    // A backend is given in order to be used, unless the agent is stateless.
    if (this.#stateless ? memoryId !== undefined : memoryId === undefined && this.#backend !== undefined) {
      const { unclearMemory } = await import("../lazy-chunk.ts");
      throw unclearMemory(memoryId);
    }
    const conversation = memoryId === undefined ? undefined : this.#useConversation(memoryId);
    // The turn uses the configuration as of now, even if it changes while the turn waits or runs.
    const turn: AgentTurn = {
      place: this.#turnPlace(conversation),
      question,
      ...listener,
      signal,
      model: this.#model,
      systemPrompt: this.#system,
      tools: new Map(this.#tools),
      maxToolRounds: this.#maxToolRounds,
      modelOptions: this.#modelOptions,
      onAbort: this.#onAbort,
      calledAt: performance.now(),
    };
    const run = async (): Promise<Reply> => {
      const { runTurn } = await import("../lazy-chunk.ts");
      return runTurn(turn);
    };
    try {
      return await this.#queue.run(run, signal);
    } finally {
      if (conversation !== undefined) this.#release(conversation);
    }
  }

  #turnPlace(conversation: Conversation | undefined): TurnPlace {
    if (conversation !== undefined) return { conversation, autoSave: this.#autoSave, onConflict: this.#onConflict };
    return this.#remembers ? { shortMemory: this.#shortMemory, limits: this.#limits } : null;
  }
}

function questionOf(content: UserMessage["content"]): UserMessage {
  if (typeof content !== "string" && !(Array.isArray(content) && content.length > 0)) {
    throw new MemoryError(
      "INVALID_ARGUMENT",
      "Invalid question: it must be text or a non-empty array of content parts.",
    );
  }
  const question = user(content);
  encodeRecords(undefined, [question]);
  const problem = newMessageProblem(question);
  if (problem !== undefined) throw new MemoryError("INVALID_ARGUMENT", `Invalid question: ${problem}.`);
  return structuredClone(question);
}
