import type { ClientOptions } from "openai";
import { fieldsIn } from "../../contract/json-object.ts";
import { MemoryError } from "../../contract/memory-error.ts";
import { clientOptions, type OpenAIClient, type OpenAIModelOptions } from "./options.ts";
import { withReadableErrors } from "./server-errors.ts";

/** The client for the options. Rejects with `INVALID_CONFIG` if the SDK is not installed. */
export async function connect(given: OpenAIModelOptions): Promise<OpenAIClient> {
  if (given.client !== undefined) return given.client;
  const options = clientOptions(given);
  const { OpenAI } = await importSdk();
  // The options are complete: what the environment says is in them. `null` keeps the SDK from reading more, later.
  const { baseURL, ...others } = { ...unset, ...withoutUndefined(options) };
  // The SDK refuses a base URL beside a data residency, even null.
  const isChosen = others.dataResidency == null || baseURL != null;
  // The SDK refuses a `fetch` beside credentials with which it connects by itself.
  const connectsItself = [others.credential, others.workloadIdentity].some((value) => (value ?? null) !== null);
  const reading = connectsItself ? {} : { fetch: withReadableErrors(others.fetch ?? globalThis.fetch) };
  return new OpenAI({ ...others, ...reading, ...(isChosen && { baseURL }) });
}

const unset = {
  baseURL: null,
  apiKey: null,
  adminAPIKey: null,
  organization: null,
  project: null,
  webhookSecret: null,
};

function withoutUndefined(options: OpenAIModelOptions): ClientOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

async function importSdk(): Promise<typeof import("openai")> {
  try {
    return await import("openai");
  } catch (error) {
    const { code, message } = fieldsIn(error);
    const missing = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
    if (!missing || !/'openai'/.test(String(message))) throw error; // the package is installed, but fails to load
    throw new MemoryError("INVALID_CONFIG", "The package `openai` is not installed.", {
      hint: "Install it with `npm install openai@7`.",
    });
  }
}
