import { fieldsIn, isJsonObject } from "../contract/json-object.ts";
import { MemoryError } from "../contract/memory-error.ts";

/**
 * Options passed to the model with each request, such as a temperature, or a function that returns them for a request.
 * It is given the number of tool rounds that the turn has had: 0 for the first request of a turn.
 */
export type ModelOptions =
  | Readonly<Record<string, unknown>>
  | ((toolRounds: number) => Readonly<Record<string, unknown>>);

/**
 * The options of one request. A `tool_choice` that forces a call holds for the first request of a turn: after that it
 * is `"auto"`, since the model could never answer otherwise. A function decides for every round by itself. Throws
 * `INVALID_CONFIG` if the function does not return an object.
 */
export function optionsOfRound(options: ModelOptions, toolRounds: number): Readonly<Record<string, unknown>> {
  if (typeof options !== "function") {
    const { tool_choice: choice } = fieldsIn(options);
    return toolRounds > 0 && forcesCall(choice) ? { ...options, tool_choice: "auto" } : options;
  }
  const made: unknown = options(toolRounds);
  if (isJsonObject(made) && typeof made["then"] !== "function") return { ...made };
  Promise.resolve(made).catch(() => undefined); // the error below says enough
  throw new MemoryError("INVALID_CONFIG", "The function for the agent's modelOptions must return an object.");
}

/** `"any"` is Mistral's word for `"required"`. An object names the tool, or the tools that may be called. */
function forcesCall(choice: unknown): boolean {
  if (choice === "required" || choice === "any") return true;
  if (!isJsonObject(choice)) return false;
  return choice["type"] !== "allowed_tools" || fieldsIn(choice["allowed_tools"])["mode"] === "required";
}
