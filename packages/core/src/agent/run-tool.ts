import type { StandardSchemaV1 } from "@standard-schema/spec";
import { isError } from "../contract/memory-error.ts";
import { type ToolCall, type ToolMessage, tool as toolMessage } from "../contract/message.ts";
import type { Tool } from "./tool.ts";

/**
 * The result of one tool call. Every failure (no such tool, arguments that are not JSON or do not match the schema, a
 * tool that throws) is a result too, with `status: "error"`, so that the model can correct it.
 */
export async function runTool(tool: Tool | undefined, call: ToolCall, signal: AbortSignal): Promise<ToolMessage> {
  try {
    if (tool === undefined) throw new Error(`There is no tool named ${JSON.stringify(call.name)}.`);
    const args = await checkedArguments(tool.parameters, call.arguments);
    const result = await tool.execute(args, { toolCallId: call.id, signal });
    return toolMessage(call.id, typeof result === "string" ? result : (JSON.stringify(result) ?? ""));
  } catch (error) {
    return toolMessage(call.id, `Error: ${messageOf(error)}`, { status: "error" });
  }
}

function messageOf(error: unknown): string {
  if (isError(error)) return error.message;
  return typeof error === "object" || typeof error === "function" ? "the tool failed" : String(error);
}

async function checkedArguments(schema: StandardSchemaV1 | undefined, text: string): Promise<unknown> {
  const given = parseArguments(text);
  if (schema === undefined) return given;
  const result = await schema["~standard"].validate(given);
  if (result.issues === undefined) return result.value;
  throw new Error(`The arguments do not match the schema. ${result.issues.map(describe).join("; ")}`);
}

function parseArguments(text: string): unknown {
  if (text.trim() === "") return {}; // models write nothing for a tool without arguments
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`The arguments are not JSON. ${isError(error) ? error.message : ""}`);
  }
}

function describe({ path = [], message }: StandardSchemaV1.Issue): string {
  const place = path.map((segment) => String(typeof segment === "object" ? segment.key : segment)).join(".");
  return place === "" ? message : `${place}: ${message}`;
}
