import { startOfflineModel } from "./offline-model.ts";

/** A model to talk to. Dispose of it. `Agent.openAI` needs `model`, `apiKey` and `baseURL`. */
export interface ModelSettings extends AsyncDisposable {
  model: string;
  apiKey: string;
  /** The server's address; `undefined` for OpenAI's own server. */
  baseURL: string | undefined;
  /** Whether it is the offline model. */
  offline: boolean;
}

/**
 * The model that the environment names (`OPENAI_API_KEY`, `OPENAI_BASE_URL`, `OPENAI_MODEL`, by default `gpt-4`).
 * Without a key, the offline model runs in this process, and a line on stderr says so.
 */
export async function modelFromEnvironment(
  options: { env?: NodeJS.ProcessEnv; wordMs?: number; say?: (line: string) => void } = {},
): Promise<ModelSettings> {
  const { env = process.env, wordMs, say = console.error } = options;
  const apiKey = env["OPENAI_API_KEY"];
  if (apiKey) {
    const [model, baseURL] = [env["OPENAI_MODEL"] || "gpt-4", env["OPENAI_BASE_URL"] || undefined];
    return { model, apiKey, baseURL, offline: false, [Symbol.asyncDispose]: async () => undefined };
  }
  const server = await startOfflineModel({ wordMs });
  say(
    "OPENAI_API_KEY is not set, so this is the offline model: it only notes facts, and answers questions about them.",
  );
  return { ...server, offline: true };
}
