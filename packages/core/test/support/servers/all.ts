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
  /** Options of the model that the provider's documentation asks for. */
  options?: { alternate?: boolean; includeUsage?: boolean };
  /** Whether its answers show what the model thought. */
  reasons: boolean;
}

/** The providers by name. */
export const insistences: Readonly<Record<string, Insistence>> = {
  gemini: { provider: gemini, reasons: false },
  deepseek: { provider: deepseek, reasons: true },
  mistral: { provider: mistral, options: { alternate: true, includeUsage: false }, reasons: true },
  moonshot: { provider: moonshot, reasons: true },
  openrouter: { provider: openrouter, reasons: true },
  litellm: { provider: litellm, reasons: true },
  strict: { provider: strict, reasons: false },
};
