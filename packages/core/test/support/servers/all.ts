import type { Provider } from "../insisting-server.ts";
import { deepseek } from "./deepseek.ts";
import { gemini } from "./gemini.ts";
import { litellm } from "./litellm.ts";
import { mistral } from "./mistral.ts";
import { moonshot } from "./moonshot.ts";
import { openrouter } from "./openrouter.ts";
import { strict } from "./strict.ts";

/** A provider, and the options of a model that talks to it. */
export interface Insistence {
  provider: () => Provider;
  /** The name of the model. It tells a client what some models insist on. */
  model: string;
  /** Options of the model that the provider's documentation asks for. */
  options?: { alternate?: boolean; includeUsage?: boolean };
  /** Whether its answers show what the model thought. */
  reasons: boolean;
}

/** The providers by name. */
export const insistences: Readonly<Record<string, Insistence>> = {
  gemini: { provider: gemini, model: "gemini-3-pro", reasons: false },
  deepseek: { provider: deepseek, model: "deepseek-chat", reasons: true },
  mistral: {
    provider: mistral,
    model: "magistral-medium",
    options: { alternate: true, includeUsage: false },
    reasons: true,
  },
  moonshot: { provider: moonshot, model: "kimi-k2", reasons: true },
  openrouter: { provider: openrouter, model: "anthropic/claude-sonnet", reasons: true },
  litellm: { provider: litellm, model: "claude-sonnet", reasons: true },
  strict: { provider: strict, model: "test-model", reasons: false },
};
