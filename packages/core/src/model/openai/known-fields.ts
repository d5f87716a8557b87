/** The fields of an answer that have a place of their own in an assistant message, or none on purpose. */
export const messageFields: readonly string[] = ["role", "content", "refusal", "name", "tool_calls", "function_call"];

/** The same of one of its calls. */
export const callFields: readonly string[] = ["id", "type", "function", "index", "name", "arguments"];

/** The same of the function in a call. */
export const functionFields: readonly string[] = ["name", "arguments"];

/** The names under which servers send the text of the reasoning. */
export const reasoningFields: readonly string[] = ["reasoning_content", "reasoning", "reasoning_text", "thinking"];
