import type { ChatModel, Message, ModelEvent, ModelRequest, ToolCall, Usage } from "../../src/index.ts";

/** The answer of the scripted model to one request. */
export interface Answer {
  text?: string[];
  /** Sent before the text. */
  reasoning?: string[];
  refusal?: string;
  calls?: ToolCall[];
  usage?: Usage;
  /** Further fields of the `finish`. */
  finish?: Partial<Extract<ModelEvent, { type: "finish" }>>;
  /** Thrown after the text instead of a `finish`. */
  error?: Error;
  /** The stream ends without a `finish`. */
  breaksOff?: boolean;
  /** Runs before each event. */
  before?: (event: ModelEvent, index: number) => Promise<void> | void;
}

/** A model that gives scripted answers and records its requests. */
export class ScriptedModel implements ChatModel {
  readonly requests: ModelRequest[] = [];
  readonly #answers: (Answer | ((request: ModelRequest) => Answer))[];

  constructor(...answers: (Answer | ((request: ModelRequest) => Answer))[]) {
    this.#answers = answers;
  }

  /** The messages of the request with this number (from 0), without ids and times. */
  sent(index: number): object[] {
    return (this.requests[index]?.messages ?? []).map(bare);
  }

  async *generate(request: ModelRequest): AsyncGenerator<ModelEvent> {
    this.requests.push({ ...request, messages: structuredClone(request.messages) });
    const scripted = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    const answer = typeof scripted === "function" ? scripted(request) : (scripted ?? {});
    let index = 0;
    for (const event of eventsOf(answer)) {
      await answer.before?.(event, index++);
      yield event;
    }
    if (answer.error !== undefined) throw answer.error;
  }
}

function eventsOf(answer: Answer): ModelEvent[] {
  const { text = [], reasoning = [], refusal, calls = [], usage, finish, error, breaksOff } = answer;
  return [
    ...reasoning.map((piece): ModelEvent => ({ type: "reasoning", text: piece })),
    ...text.map((piece): ModelEvent => ({ type: "text", text: piece })),
    ...(refusal === undefined ? [] : [{ type: "refusal", text: refusal } as const]),
    ...calls.map((call): ModelEvent => ({ type: "tool-call", call })),
    ...(error !== undefined || breaksOff ? [] : [{ type: "finish", usage, ...finish } as const]),
  ];
}

/** Repeats the last message, word by word. */
export function echoModel(): ScriptedModel {
  return new ScriptedModel(({ messages }) => ({ text: [`You said: ${messages.at(-1)?.content}`] }));
}

/** A message without its id and time. */
export function bare(message: Message): object {
  const { id: _id, createdAt: _createdAt, ...rest } = message;
  return rest;
}
