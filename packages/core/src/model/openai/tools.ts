import type { ToolSpec } from "../chat-model.ts";
import { wellFormed } from "./well-formed.ts";

/** A tool in a request to Chat Completions. */
export interface OpenAITool {
  type: "function";
  function: ToolSpec;
}

/** Some servers refuse a `$schema` at the root of the parameters. It tells the model nothing. */
export function toOpenAITools(tools: readonly ToolSpec[]): OpenAITool[] {
  return tools.map((spec) => {
    const { $schema: _, ...parameters } = spec.parameters;
    return wellFormed({ type: "function", function: { ...spec, parameters } });
  });
}
