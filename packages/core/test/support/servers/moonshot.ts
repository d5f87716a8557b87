import { finish } from "../chat-server.ts";
import { callChunks, type Provider, textChunks } from "../insisting-server.ts";
import * as checks from "../request-checks.ts";
import { ReasoningContent } from "./reasoning-content.ts";

/**
 * Insists like Moonshot's Kimi: each call has its `reasoning_content`, also one of another model, and no message is
 * empty. Its ids name the tool and number the calls of the conversation.
 */
export function moonshot(): Provider {
  const thoughts = new ReasoningContent();
  let calls = 0;
  return {
    name: "moonshot",
    check(body) {
      checks.checkUnicode(body);
      checks.checkFields(body, { message: ["reasoning_content"] });
      checks.checkSaysSomething(body);
      checks.checkArguments(body);
      checks.checkResults(body);
      thoughts.checkOwn(body);
      thoughts.checkEveryCall(body);
    },
    error: ({ field, message }) => ({
      error: { message: `Invalid request: ${field}: ${message}`, type: "invalid_request_error" },
    }),
    call: (planned, answer) => {
      const first = calls;
      calls += planned.length;
      const idOf = (index: number) => `functions.${planned[index]?.name}:${first + index}`;
      const thought = thoughts.chunks(idOf(0), `Step ${answer}: the tool knows.`);
      return [...thought, ...callChunks(planned, idOf), finish("tool_calls")];
    },
    say: (text, answer) => [...thoughts.chunks(text, `Step ${answer}: done.`), ...textChunks(text), finish()],
  };
}
