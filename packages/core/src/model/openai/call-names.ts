import type { Message, ToolCall, ToolMessage } from "../../contract/message.ts";

/** What decides the ids and names of calls in a request. */
export interface CallNamesOptions {
  /** Who the request is for. Ids that the same source made are kept. */
  source?: string | undefined;
  /** The names of the tools in the request, which are kept. */
  toolNames?: readonly string[] | undefined;
}

/** A call, and the id and name under which it is sent. */
export interface NamedCall {
  readonly call: ToolCall;
  readonly id: string;
  readonly name: string;
}

/** Fit for every known server. Mistral's takes no other. */
const nineCharacters = /^[A-Za-z0-9]{9}$/;

/** Fit for every known server but Mistral's. OpenAI's has a limit of 40 characters. */
const fortyCharacters = /^[A-Za-z0-9_-]{1,40}$/;

/** Whether the source is a server of Mistral, or serves one of its models, with a template that insists as much. */
export function isOfMistral(source: string): boolean {
  return /mistral|mixtral|codestral|devstral|magistral|ministral|pixtral/i.test(source);
}

/** A model can invent a name, and OpenAI's server refuses one with other characters in every later request. */
const fitName = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * The ids and names under which calls and their results are sent. The ids of the server that made them are kept, since
 * some hold data for it. Others are replaced unless they are fit, by the position of the call. An id that another
 * server gave twice is replaced the second time: some servers refuse two calls with one id.
 */
export class CallNames {
  readonly #options: CallNamesOptions;
  /** The ids that stand in the messages, and those that replace them. */
  readonly #taken = new Set<string>();
  /** The ids under which calls have been sent. */
  readonly #sent = new Set<string>();
  #replaced = 0;
  /** The newest calls of each id, in order: servers may give an id again in a later turn. */
  readonly #calls = new Map<string, NamedCall[]>();
  /** The source of each call that tells it. */
  readonly #sources = new Map<ToolCall, string>();

  constructor(messages: readonly Message[], options: CallNamesOptions) {
    this.#options = options;
    for (const message of messages) {
      if (message.role !== "assistant") continue;
      for (const call of message.toolCalls ?? []) {
        this.#taken.add(call.id);
        const source = call.providerMetadata?.source ?? message.providerMetadata?.source;
        if (source !== undefined) this.#sources.set(call, source);
      }
    }
  }

  /** The ids and names of the calls of one message. Messages must be asked for in order, each before its results. */
  calls(calls: readonly ToolCall[]): NamedCall[] {
    const named: NamedCall[] = [];
    for (const call of calls) {
      const earlier = named.filter((other) => other.call.id === call.id);
      const isTaken = earlier.length > 0 || (this.#sent.has(call.id) && !this.#isOwn(call));
      const id = this.#isFit(call) && !isTaken ? call.id : this.#replacement();
      const added = { call, id, name: this.#name(call.name) };
      named.push(added);
      this.#sent.add(id);
      this.#calls.set(call.id, [...earlier, added]);
    }
    return named;
  }

  /** The id of a result, and the name of its tool. The name is `undefined` if the call is not in the request. */
  result({ toolCallId, name }: ToolMessage): { id: string; name?: string } {
    const calls = this.#calls.get(toolCallId) ?? [];
    const call = calls.length > 1 ? calls.shift() : calls[0];
    if (call !== undefined) return call;
    return name === undefined ? { id: toolCallId } : { id: toolCallId, name: this.#name(name) };
  }

  #isOwn(call: ToolCall): boolean {
    const { source } = this.#options;
    return source !== undefined && this.#sources.get(call) === source;
  }

  #isFit(call: ToolCall): boolean {
    if (nineCharacters.test(call.id)) return true;
    const { source } = this.#options;
    const madeBy = this.#sources.get(call);
    if (source !== undefined && madeBy !== undefined) return madeBy === source;
    if (source === undefined) return call.id !== "" && call.id.length <= 40;
    return fortyCharacters.test(call.id) && !isOfMistral(source);
  }

  #replacement(): string {
    let replacement: string;
    do replacement = `call${(this.#replaced++).toString(36).padStart(5, "0")}`;
    while (this.#taken.has(replacement));
    this.#taken.add(replacement);
    return replacement;
  }

  #name(name: string): string {
    if (fitName.test(name) || this.#options.toolNames?.includes(name)) return name;
    return name.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 64) || "unnamed";
  }
}
