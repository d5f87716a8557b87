import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { cleanCause, MemoryError } from "../contract/memory-error.ts";
import type { ToolSpec } from "../model/chat-model.ts";

/**
 * A function that the model may call. Give it to the agent with `withTool`.
 *
 * ```ts
 * const weather = defineTool({
 *   name: "weather",
 *   description: "The weather in a city, now",
 *   parameters: z.object({ city: z.string() }),
 *   execute: async ({ city }) => ({ city, celsius: 21 }),
 * });
 * ```
 */
export interface Tool<Schema extends StandardSchemaV1 = StandardSchemaV1> {
  /** The name that the model calls the tool by. Each tool of an agent has its own. */
  name: string;
  /** Tells the model what the tool does and when to call it. Default: none. */
  description?: string | undefined;
  /**
   * The schema of the arguments: any Standard Schema (zod, valibot, arktype, …). The arguments are checked before
   * `execute` runs, and the model is told what is wrong with them. Absent: no arguments.
   */
  parameters?: Schema | undefined;
  /** The JSON Schema that the model is shown. Needed only if `parameters` cannot produce one (zod from 4.2 can). */
  jsonSchema?: Record<string, unknown> | undefined;
  /**
   * Runs the tool. The model is sent the result: a string and an array of content parts (such as an image) unchanged,
   * anything else as JSON. If it throws, the model is sent the error's message.
   */
  execute(args: StandardSchemaV1.InferOutput<Schema>, context: ToolContext): unknown;
}

/** What a tool learns about the call. */
export interface ToolContext {
  /** The id of the {@link ToolCall}. */
  toolCallId: string;
  /** Aborted if the turn is aborted. */
  signal: AbortSignal;
}

/** Returns the tool. The type of its arguments is inferred from its schema. */
export function defineTool<Schema extends StandardSchemaV1>(tool: Tool<Schema>): Tool<Schema> {
  return tool;
}

/** The description of a tool for the model. Throws `INVALID_CONFIG` if its arguments have no JSON Schema. */
export function specOf(tool: Tool): ToolSpec {
  const { name, description } = tool;
  return { name, ...(description !== undefined && { description }), parameters: jsonSchemaOf(tool) };
}

function jsonSchemaOf({ name, parameters, jsonSchema }: Tool): Record<string, unknown> {
  if (jsonSchema !== undefined) return jsonSchema;
  if (parameters === undefined) return { type: "object", properties: {} };
  const standard = parameters["~standard"] as Partial<StandardJSONSchemaV1.Props & StandardSchemaV1.Props> | undefined;
  if (typeof standard?.validate !== "function") {
    throw new MemoryError(
      "INVALID_CONFIG",
      `The parameters of tool ${JSON.stringify(name)} are not a Standard Schema.`,
      {
        hint: "Make them with zod, valibot, arktype or the like. Give plain JSON Schema as `jsonSchema`, with or without `parameters`.",
      },
    );
  }
  return convert(name, standard.jsonSchema);
}

function convert(name: string, converter: StandardJSONSchemaV1.Converter | undefined): Record<string, unknown> {
  let cause: unknown;
  try {
    if (converter !== undefined) return converter.input({ target: "draft-2020-12" });
  } catch (error) {
    cause = cleanCause(error);
  }
  throw new MemoryError("INVALID_CONFIG", `The parameters of tool ${JSON.stringify(name)} have no JSON Schema.`, {
    hint: "Give the tool a `jsonSchema`, or use a schema library that implements Standard JSON Schema, such as zod 4.2.",
    cause,
  });
}
