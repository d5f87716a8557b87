import type { StandardSchemaV1 } from "@standard-schema/spec";
import { isJsonObject } from "../contract/json-object.ts";
import { isError } from "../contract/memory-error.ts";
import { isContentParts, type ToolCall, type ToolMessage, tool as toolMessage } from "../contract/message.ts";
import type { Tool } from "./tool.ts";

/**
 * The result of one tool call. Every failure (no such tool, arguments that are not JSON or do not match the schema, a
 * tool that throws) is a result too, with `status: "error"`, so that the model can correct it.
 */
export async function runTool(tool: Tool | undefined, call: ToolCall, signal: AbortSignal): Promise<ToolMessage> {
  const { id, name } = call;
  try {
    if (tool === undefined) throw new Error(`There is no tool named ${JSON.stringify(name)}.`);
    const args = await checkedArguments(tool.parameters, call.arguments);
    const result = await tool.execute(args, { toolCallId: id, signal });
    return toolMessage(id, contentOf(result), { name });
  } catch (error) {
    return toolMessage(id, `Error: ${messageOf(error)}`, { name, status: "error" });
  }
}

/** Content parts, such as images, stay as they are. Anything else but a string becomes JSON. */
function contentOf(result: unknown): ToolMessage["content"] {
  if (typeof result === "string") return result;
  const json = JSON.stringify(result) ?? "";
  if (!isContentParts(result)) return json;
  const copy: unknown = JSON.parse(json);
  return isContentParts(copy) ? copy : json; // a part may become something else in JSON
}

/** What is thrown may be anything, even an object whose properties throw when they are read. */
function messageOf(error: unknown): string {
  try {
    const message: unknown = isError(error) ? error.message : error;
    if (typeof message === "string") return message;
    if (typeof message !== "object" && typeof message !== "function") return String(message);
  } catch {
    // There is no message to tell the model.
  }
  return "the tool failed";
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
  let args: unknown;
  try {
    args = JSON.parse(text);
  } catch (error) {
    throw new Error(`The arguments are not JSON. ${isError(error) ? error.message : ""}`);
  }
  if (isJsonObject(args)) return args;
  throw new Error("The arguments are not a JSON object.");
}

function describe({ path = [], message }: StandardSchemaV1.Issue): string {
  const place = path.map((segment) => String(typeof segment === "object" ? segment.key : segment)).join(".");
  return place === "" ? message : `${place}: ${message}`;
}
