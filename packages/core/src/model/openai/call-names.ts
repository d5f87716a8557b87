import type { Message, ToolCall, ToolMessage } from "../../contract/message.ts";

/** What decides the ids and names of calls in a request. */
export interface CallNamesOptions {
  /** Who the request is for. Ids that the same source made are kept. */
  source?: string | undefined;
  /** The names of the tools in the request, which are kept. */
  toolNames?: readonly string[] | undefined;
}

interface CallName {
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
 * some hold data for it. Others are replaced unless they are fit, by the position of the call.
 */
export class CallNames {
  readonly #options: CallNamesOptions;
  readonly #taken = new Set<string>();
  readonly #replaced = new Map<string, string>();
  /** The newest call of each id: servers may give an id again in a later turn. */
  readonly #calls = new Map<string, CallName>();
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

  /** The id and name of a call. Calls must be asked for in order, each before its result. */
  call(call: ToolCall): CallName {
    const isFit = this.#isFit(call);
    const named = { id: isFit ? call.id : this.#replacement(call.id), name: this.#name(call.name) };
    this.#calls.set(call.id, named);
    return named;
  }

  /** The id of a result, and the name of its tool. The name is `undefined` if the call is not in the request. */
  result({ toolCallId, name }: ToolMessage): { id: string; name?: string } {
    const call = this.#calls.get(toolCallId);
    if (call !== undefined) return call;
    return name === undefined ? { id: toolCallId } : { id: toolCallId, name: this.#name(name) };
  }

  #isFit(call: ToolCall): boolean {
    if (nineCharacters.test(call.id)) return true;
    const { source } = this.#options;
    const madeBy = this.#sources.get(call);
    if (source !== undefined && madeBy !== undefined) return madeBy === source;
    if (source === undefined) return call.id !== "" && call.id.length <= 40;
    return fortyCharacters.test(call.id) && !isOfMistral(source);
  }

  #replacement(id: string): string {
    const known = this.#replaced.get(id);
    if (known !== undefined) return known;
    let number = this.#replaced.size;
    let replacement: string;
    do replacement = `call${(number++).toString(36).padStart(5, "0")}`;
    while (this.#taken.has(replacement));
    this.#taken.add(replacement);
    this.#replaced.set(id, replacement);
    return replacement;
  }

  #name(name: string): string {
    if (fitName.test(name) || this.#options.toolNames?.includes(name)) return name;
    return name.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 64) || "unnamed";
  }
}
