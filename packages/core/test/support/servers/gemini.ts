import { delta, finish } from "../chat-server.ts";
import { type ChatBody, type Provider, Refusal, textChunks } from "../insisting-server.ts";
import {
  checkArguments,
  checkFields,
  checkNames,
  checkResults,
  checkSaysSomething,
  checkUnicode,
} from "../request-checks.ts";

/**
 * Insists like Google's endpoint for Gemini: the first call of an answer has a signature that must come back, a result
 * carries its tool's name, and fields that it does not know are refused.
 */
export function gemini(): Provider {
  const signatures = new Map<string, string>();

  function checkSignatures({ messages }: ChatBody): void {
    const question = messages.findLastIndex(({ role }) => role === "user");
    for (const [index, { tool_calls: calls = [] }] of messages.entries()) {
      for (const [position, call] of calls.entries()) {
        const extra = call["extra_content"] as { google?: { thought_signature?: string } } | undefined;
        const expected = signatures.get(call.id);
        const path = `messages[${index}].tool_calls[${position}].extra_content`;
        if (extra?.google?.thought_signature !== expected) {
          throw new Refusal(path, `the call ${call.function.name} lacks its thought_signature, or has another one`);
        }
        if (position === 0 && index > question && expected === undefined) {
          throw new Refusal(path, `the call ${call.function.name} of this turn has no thought_signature`);
        }
      }
    }
  }

  return {
    name: "gemini",
    check(body) {
      checkUnicode(body);
      checkFields(body, { message: ["extra_content"], call: ["extra_content"] });
      for (const [index, { function: spec }] of (body.tools ?? []).entries()) {
        if ("$schema" in spec.parameters) {
          throw new Refusal(`tools[${index}].function.parameters.$schema`, "an unknown field");
        }
      }
      for (const [index, { role, name }] of body.messages.entries()) {
        if (role === "tool" && (typeof name !== "string" || name === "")) {
          throw new Refusal(`messages[${index}].name`, "a function response without a name");
        }
      }
      checkNames(body, /^[a-zA-Z_][\w.:-]{0,63}$/);
      checkSaysSomething(body);
      checkArguments(body);
      checkResults(body);
      checkSignatures(body);
    },
    error: ({ field, message }) => [
      { error: { code: 400, message: `Invalid value at '${field}': ${message}`, status: "INVALID_ARGUMENT" } },
    ],
    // Every call has the index 0, and the reason does not mention the calls.
    call: (calls, answer) => [
      ...calls.map(({ name, arguments: args }, index) => {
        const id = `function-call-${String(answer).padStart(12, "7")}${index}`;
        const call = { index: 0, id, type: "function", function: { name, arguments: JSON.stringify(args) } };
        if (index > 0) return delta({ role: "assistant", tool_calls: [call] });
        const signature = Buffer.from(`thought ${answer}`).toString("base64");
        signatures.set(id, signature);
        const extra = { google: { thought_signature: signature } };
        return delta({ role: "assistant", tool_calls: [{ ...call, extra_content: extra }] });
      }),
      finish("stop"),
    ],
    say: (text, answer) => [
      ...textChunks(text),
      delta({ content: "", extra_content: { google: { thought_signature: `end ${answer}` } } }),
      finish(),
    ],
  };
}
