import { fieldsIn, isJsonObject, type JsonObject } from "../../contract/json-object.ts";

/**
 * Throws if a chunk reports an error instead of a piece of the answer. The error has the server's own text, and its
 * `status`, `code` and `param` if the server gives them.
 */
export function failIfReported(chunk: JsonObject): void {
  const { error, choices, object } = chunk;
  const isError = object === "error" || (choices === undefined && typeof chunk["message"] === "string");
  const reported = isError ? (error ?? chunk) : error;
  if (reported === undefined || reported === null || reported === false) return;
  // Some servers write an empty error beside each piece.
  if (choices !== undefined && (reported === "" || isEmptyObject(reported))) return;
  const { message, code, param, status } = readableError(reported);
  const failure = new Error(`The model's server broke the answer off: ${message ?? "it does not say why"}`);
  const details = { status: status ?? (typeof code === "number" ? code : undefined), code, param };
  throw Object.assign(failure, Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined)));
}

function isEmptyObject(value: unknown): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}

/** What a server says about a request that it refused. */
interface ReadableError {
  message?: string;
  code?: unknown;
  /** The field of the request that is refused. */
  param?: unknown;
  type?: unknown;
  status?: unknown;
}

/**
 * Reads an error in any of the shapes in which servers send one: OpenAI's; a text; FastAPI's `detail` (Mistral, and
 * others); a list of Google's, with the field in its details; OpenRouter's, with the provider's own error as text.
 */
function readableError(value: unknown): ReadableError {
  if (typeof value === "string") return { message: value };
  if (Array.isArray(value)) return value.length === 0 ? {} : readableError(value[0]);
  const given = fieldsIn(value);
  if (isNested(given["error"])) return { ...known(given), ...readableError(given["error"]) };
  if (isNested(given["detail"])) return { ...known(given), ...readDetail(given["detail"]) };
  if (isNested(given["message"]) && typeof given["message"] === "object") {
    return { ...known(given), ...readableError(given["message"]) };
  }
  const raw = rawIn(given["metadata"]);
  const param = given["param"] ?? fieldIn(given["details"]) ?? raw.param;
  const message = [known(given).message, raw.message].filter((text) => text !== undefined).join(": ");
  return { ...known(given), ...(message !== "" && { message }), ...(isNested(param) && { param }) };
}

function isNested(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

function known({ message, msg, code, param, type, status }: JsonObject): ReadableError {
  const text = message ?? msg;
  return {
    ...(typeof text === "string" && { message: text }),
    ...(isNested(code) && { code }),
    ...(isNested(param) && { param }),
    ...(isNested(type) && { type }),
    ...(isNested(status) && { status }),
  };
}

/** FastAPI names the place of each fault. It also quotes the input, which is left out. */
function readDetail(detail: unknown): ReadableError {
  if (!Array.isArray(detail)) return readableError(detail);
  const faults = detail.flatMap((fault: unknown) => {
    const { loc, msg } = fieldsIn(fault);
    const place = Array.isArray(loc) ? loc.filter((step) => step !== "body").join(".") : "";
    return [{ place, text: typeof msg === "string" ? msg : "invalid" }];
  });
  const message = faults.map(({ place, text }) => (place === "" ? text : `${place}: ${text}`)).join("; ");
  const [first] = faults;
  return {
    ...(message !== "" && { message }),
    ...(first !== undefined && first.place !== "" && { param: first.place }),
  };
}

/** The field that Google's error names. */
function fieldIn(details: unknown): unknown {
  if (!Array.isArray(details)) return undefined;
  const violations = details.flatMap((detail) => fieldsIn(detail)["fieldViolations"] ?? []);
  return fieldsIn(violations[0])["field"];
}

/** The error that a gateway was given by the provider, as text. */
function rawIn(metadata: unknown): ReadableError {
  const { raw } = fieldsIn(metadata);
  if (typeof raw !== "string") return {};
  try {
    return readableError(JSON.parse(raw));
  } catch {
    return { message: raw };
  }
}

type Fetch = typeof globalThis.fetch;

/**
 * A `fetch` that turns the body of a refusal into the shape that OpenAI's SDK reads. The SDK shows others as raw JSON,
 * and its earlier versions show nothing of them.
 */
export function withReadableErrors(send: Fetch): Fetch {
  return async (input, init) => {
    const response = await send(input, init);
    if (response.status < 400 || response.status > 599) return response;
    const { status, statusText, headers } = response;
    return new Response(readableBody(await response.text()), { status, statusText, headers });
  };
}

function readableBody(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    const read = readableError(value);
    const { status: _, ...error } = read;
    return read.message === undefined ? text : JSON.stringify({ error: { ...ownError(value), ...error } });
  } catch {
    return text; // not JSON, such as the page of a proxy
  }
}

/** The error as OpenAI's own servers send it: whatever else it says is kept. */
function ownError(value: unknown): object {
  return fieldsIn(fieldsIn(value)["error"]);
}
