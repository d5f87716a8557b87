import { createParser, type EventSourceMessage } from "eventsource-parser";
import { brokeOff, notUnderstood } from "./answer-fields.ts";
import { isJson } from "./json-values.ts";

/** Stands for the mark with which a server ends a stream, `[DONE]`. */
export const END: unique symbol = Symbol("the end of a stream");

/** Stands for the end of an answer that came as one JSON value, although a stream was asked for. */
export const WHOLE: unique symbol = Symbol("the end of a whole answer");

/**
 * The chunks of an answer, each a JSON value, then {@link END} or {@link WHOLE} if there was such an end. Format:
 * Server-Sent Events, https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* chunksOf(response: Response, signal: AbortSignal): AsyncGenerator<unknown, void, undefined> {
  if (response.body === null) throw brokeOff("the response of the server has no body");
  const text = new TextReader(response.body);
  const stop = (): void => text.stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    const head = await text.head();
    if (/^[{[]/.test(head.trimStart())) yield* wholeBody(head, text);
    else yield* events(head, text);
    signal.throwIfAborted(); // a stopped reader ends like a stream that broke off
  } finally {
    signal.removeEventListener("abort", stop);
    text.stop();
  }
}

/** Reads a body as text, piece by piece. */
class TextReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /** The next piece; `undefined`: the body has ended. */
  async next(): Promise<string | undefined> {
    const { done, value } = await this.#reader.read().catch(connectionLost);
    return done ? undefined : this.#decoder.decode(value, { stream: true });
  }

  /** The text up to the first piece that has more than white space. */
  async head(): Promise<string> {
    let head = "";
    for (let piece = await this.next(); piece !== undefined; piece = await this.next()) {
      head += piece;
      if (piece.trim() !== "") break;
    }
    return head;
  }

  /** Ends the connection, unless the body has ended. A read that waits ends too. */
  stop(): void {
    this.#reader.cancel().catch(() => undefined); // the connection is broken already
  }
}

/** The network's own errors have no common type and say nothing of the answer, such as "terminated". */
function connectionLost(cause: unknown): never {
  throw brokeOff("the connection to the server was lost", undefined, cause);
}

async function* wholeBody(head: string, text: TextReader): AsyncGenerator<unknown> {
  let body = head;
  for (let piece = await text.next(); piece !== undefined; piece = await text.next()) body += piece;
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw brokeOff("the server sent JSON in the place of a stream, and it is not whole");
  }
  yield value;
  yield WHOLE;
}

async function* events(head: string, text: TextReader): AsyncGenerator<unknown> {
  const read: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => read.push(event) });
  let hasEvents = false;
  for (let piece: string | undefined = head, isLast = false; !isLast; piece = await text.next()) {
    isLast = piece === undefined;
    // A server may leave out the blank line after its last event.
    parser.feed(piece ?? "\n\n");
    for (const { event, data } of read.splice(0)) {
      hasEvents = true;
      if (data.trim() === "") continue;
      if (data.trim() === "[DONE]") {
        yield END;
        return;
      }
      if (event === "error") yield asError(data);
      // Other events, such as a ping, are no pieces of the answer.
      else if (event === undefined || event === "message" || isJson(data)) yield parsed(data, isLast);
    }
  }
  if (!hasEvents && head.trim() !== "") throw notUnderstood("body", "it is neither a stream of events nor JSON");
}

function parsed(data: string, isLast: boolean): unknown {
  try {
    return JSON.parse(data);
  } catch {
    if (isLast) throw brokeOff("the last event of its stream is not whole");
    throw notUnderstood("data", "an event of the stream is not JSON");
  }
}

/** An event that reports an error: as JSON, with or without a field for it, or as text. */
function asError(data: string): unknown {
  const value: unknown = isJson(data) ? JSON.parse(data) : data;
  const isMarked = typeof value === "object" && value !== null && "error" in value;
  return isMarked ? value : { error: value };
}
