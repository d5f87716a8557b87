import { finish } from "../chat-server.ts";
import { callChunks, type Provider, Refusal, textChunks } from "../insisting-server.ts";
import * as checks from "../request-checks.ts";

const known = ["model", "messages", "tools", "tool_choice", "stream", "stream_options", "temperature"];

/** Insists on everything that some server of OpenAI's protocol insists on, and adds nothing of its own. */
export function strict(): Provider {
  return {
    name: "strict",
    check(body) {
      const unknown = Object.keys(body).find((field) => !known.includes(field));
      if (unknown !== undefined) throw new Refusal(unknown, "an unknown field");
      checks.checkUnicode(body);
      checks.checkFields(body);
      checks.checkSaysSomething(body);
      checks.checkIds(body, /^[\w-]{1,40}$/);
      checks.checkUniqueIds(body);
      checks.checkNames(body, /^[\w-]{1,64}$/);
      checks.checkArguments(body);
      checks.checkResults(body);
      checks.checkResultOrder(body);
      for (const [index, { role, content }] of body.messages.entries()) {
        if (role === "user" || !Array.isArray(content)) continue;
        if (content.some((part: { type?: unknown }) => part.type !== "text")) {
          throw new Refusal(`messages[${index}].content`, "only users send other parts than text");
        }
      }
    },
    error: ({ field, message }) => ({ error: { message, type: "invalid_request_error", param: field, code: null } }),
    call: (calls, answer) => [...callChunks(calls, (index) => `call_${answer}-${index}`), finish("tool_calls")],
    say: (text) => [...textChunks(text), finish()],
  };
}
