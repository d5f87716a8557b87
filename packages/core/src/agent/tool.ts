import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec";
import { cleanCause, MemoryError } from "../contract/memory-error.ts";
import type { ToolSpec } from "../model/chat-model.ts";

/**
 * Something that the model may call.
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
  name: string;
  /** Tells the model when to call it. */
  description?: string | undefined;
  /**
   * What the arguments must be: any Standard Schema (zod, valibot, arktype, …). They are checked before `execute` runs; what is
   * wrong with them is told to the model. Absent: no arguments.
   */
  parameters?: Schema | undefined;
  /** The JSON Schema that the model is shown, where `parameters` cannot give its own (zod from 4.2 can). */
  jsonSchema?: Record<string, unknown> | undefined;
  /**
   * Runs the tool. The result goes to the model: a string as it is, anything else as JSON. What it throws goes to the model
   * too, as the error's message.
   */
  execute(args: StandardSchemaV1.InferOutput<Schema>, context: ToolContext): unknown;
}

export interface ToolContext {
  toolCallId: string;
  /** Aborted when the turn is. */
  signal: AbortSignal;
}

/** A tool whose argument type is inferred from its schema. */
export function defineTool<Schema extends StandardSchemaV1>(tool: Tool<Schema>): Tool<Schema> {
  return tool;
}

/** How the model is told of a tool. Throws `INVALID_CONFIG` where its arguments have no JSON Schema. */
export function specOf(tool: Tool): ToolSpec {
  const { name, description } = tool;
  return { name, ...(description !== undefined && { description }), parameters: jsonSchemaOf(tool) };
}

function jsonSchemaOf({ name, parameters, jsonSchema }: Tool): Record<string, unknown> {
  if (jsonSchema !== undefined) return jsonSchema;
  if (parameters === undefined) return { type: "object", properties: {} };
  const standard = parameters["~standard"] as Partial<StandardJSONSchemaV1.Props & StandardSchemaV1.Props> | undefined;
  if (typeof standard?.validate !== "function") {
    throw new MemoryError("INVALID_CONFIG", `The parameters of tool ${JSON.stringify(name)} are no Standard Schema.`, {
      hint: "Make them with zod, valibot, arktype or the like; give plain JSON Schema as `jsonSchema`, beside `parameters` or without.",
    });
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
