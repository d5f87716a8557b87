import { finish } from "../chat-server.ts";
import { callChunks, type Provider, textChunks } from "../insisting-server.ts";
import * as checks from "../request-checks.ts";
import { ReasoningContent } from "./reasoning-content.ts";

/**
 * Insists like DeepSeek in its thinking mode: in turns that called tools, the model's `reasoning_content` must come
 * back, even if it was empty, and each call of another model needs one too. Results stand in the order of their calls.
 */
export function deepseek(): Provider {
  const thoughts = new ReasoningContent();
  return {
    name: "deepseek",
    check(body) {
      checks.checkUnicode(body);
      checks.checkFields(body, { message: ["reasoning_content"] });
      checks.checkArguments(body);
      checks.checkResults(body);
      checks.checkResultOrder(body);
      thoughts.checkOwn(body);
      thoughts.checkEveryCall(body);
    },
    error: ({ field, message }) => ({
      error: {
        message: `${field}: ${message}`,
        type: "invalid_request_error",
        param: null,
        code: "invalid_request_error",
      },
    }),
    call: (calls, answer) => {
      const idOf = (index: number) => `call_00_${answer}_${index}_dZk3Vw`;
      return [
        ...thoughts.chunks(idOf(0), answer % 4 === 2 ? "" : `Nr. ${answer}: erst nachsehen – 先查天气。`),
        ...callChunks(calls, idOf),
        finish("tool_calls"),
      ];
    },
    say: (text, answer) => [
      ...thoughts.chunks(text, `Nr. ${answer}: the results are in.`),
      ...textChunks(text),
      finish(),
    ],
  };
}
