import { Agent, type AgentOptions, type MemoryBackend, MemoryError, type Message } from "../../src/index.ts";
import { ReferenceLog } from "./reference-log.ts";
import { echoModel, type ScriptedModel } from "./scripted-model.ts";

export const ID = "user-alice";

export function contents(messages: readonly Message[] | null): unknown[] {
  return messages?.map(({ content }) => content) ?? [];
}

export function remembering(
  model: ScriptedModel = echoModel(),
  options: Partial<AgentOptions> = {},
): { store: ReferenceLog; model: ScriptedModel; agent: Agent } {
  const store = new ReferenceLog();
  const agent = new Agent({ model, longMemory: ID, backend: store, ...options });
  return { store, model, agent };
}

/** Makes the calls of `method` fail until the returned function is called. */
export function failing(
  store: ReferenceLog,
  method: string,
  outcome: "not-applied" | "unknown" = "not-applied",
): () => void {
  store.around = async (called, call) => {
    if (called !== method) return call();
    if (outcome === "unknown") await call();
    throw new MemoryError("UNAVAILABLE", "The store is away.", { outcome, retryable: true });
  };
  return () => {
    store.around = (_method, call) => call();
  };
}

/** A backend of four methods that keeps nothing. */
export function memoryOf(): MemoryBackend {
  return { load: async () => null, save: async () => undefined, delete: async () => undefined, list: async () => [] };
}
