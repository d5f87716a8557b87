import { type BackendConfig, MemoryError, type Message } from "@deep-agent/core/adapter";
import { InMemoryBackend } from "./in-memory-backend.ts";
import { BACKEND, type InMemoryOptions } from "./in-memory-options.ts";

/** The options that a URL can hold. A clock is a function, so it cannot be one of them. */
const parameterNames = ["ttl", "maxMemories"];

/**
 * Makes the backend for `openBackend("memory:?ttl=1h&maxMemories=100")`, or for an object with the options of
 * {@link InMemoryOptions}. If the object also has a `url`, its other options win over those of the URL. Throws
 * `INVALID_CONFIG`.
 */
export function fromConfig<T extends object = Message>(config: BackendConfig): InMemoryBackend<T> {
  const { adapter: _adapter, url, ...options } = config;
  // The constructor checks the names and values of the options.
  return new InMemoryBackend<T>({ ...(url !== undefined && parametersOf(url)), ...(options as InMemoryOptions) });
}

function parametersOf(url: unknown): InMemoryOptions {
  const { protocol, host, pathname, hash, searchParams } = parse(url);
  if (protocol !== "memory:") throw invalid('The `url` of an in-memory backend must begin with "memory:".');
  if (host !== "" || pathname !== "" || hash !== "")
    throw invalid('A "memory:" URL must not have a host, a path or a fragment.');
  for (const name of searchParams.keys()) {
    if (!parameterNames.includes(name)) throw invalid(`A "memory:" URL has no parameter ${JSON.stringify(name)}.`);
    if (searchParams.getAll(name).length > 1) throw invalid(`The parameter ${JSON.stringify(name)} is given twice.`);
  }
  const ttl = searchParams.get("ttl");
  const maxMemories = searchParams.get("maxMemories");
  return {
    ...(ttl !== null && { ttl }),
    ...(maxMemories !== null && { maxMemories: /^\d+$/.test(maxMemories) ? Number(maxMemories) : Number.NaN }),
  };
}

function parse(url: unknown): URL {
  const parsed = typeof url === "string" ? URL.parse(url) : null;
  if (parsed === null) throw invalid("The `url` of an in-memory backend is not a valid URL.");
  return parsed;
}

function invalid(message: string): MemoryError {
  return new MemoryError("INVALID_CONFIG", message, {
    backend: BACKEND,
    hint: `Write "memory:", with the parameters ${parameterNames.join(" and ")} if you need them: "memory:?ttl=1h&maxMemories=100".`,
  });
}
