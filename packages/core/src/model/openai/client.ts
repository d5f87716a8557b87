import type { ClientOptions } from "openai";
import { MemoryError } from "../../contract/memory-error.ts";
import type { OpenAIClient, OpenAIModelOptions } from "./options.ts";

/** The client for the options. Rejects with `INVALID_CONFIG` if the SDK is not installed. */
export async function connect({ client, includeUsage: _, ...options }: OpenAIModelOptions): Promise<OpenAIClient> {
  if (client !== undefined) return client;
  const { OpenAI } = await importSdk();
  // The SDK reads undefined options from the environment. `null` prevents that.
  const { baseURL, ...given } = { ...unset, ...withoutUndefined(options) };
  // A base URL, even null, excludes a data residency.
  return new OpenAI({ ...given, ...(given.dataResidency == null && { baseURL }) });
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
    const { code, message } = error as { code?: unknown; message?: unknown };
    const missing = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
    if (!missing || !/'openai'/.test(String(message))) throw error; // the package is installed, but fails to load
    throw new MemoryError("INVALID_CONFIG", "The package `openai` is not installed.", {
      hint: "Install it with `npm install openai`.",
    });
  }
}
