import { delta, finish } from "../chat-server.ts";
import { inPieces, type Provider, Refusal, type SentMessage } from "../insisting-server.ts";
import * as checks from "../request-checks.ts";

/**
 * Insists like Mistral: ids of nine letters and digits, roles that take turns, no field beyond those that it knows. Its
 * answers are parts: what it thinks, then what it says.
 */
export function mistral(): Provider {
  const thoughts = new Map<string, string>();

  function checkParts(message: SentMessage, path: string): void {
    if (!Array.isArray(message.content)) return;
    for (const [index, part] of (message.content as { type: string; thinking?: { text?: string }[] }[]).entries()) {
      if (part.type === "text" || (message.role !== "assistant" && part.type === "image_url")) continue;
      if (part.type !== "thinking") throw new Refusal(`${path}.content[${index}].type`, "an unknown kind of part");
      const given = part.thinking?.map(({ text }) => text ?? "").join("");
      if (given !== thoughts.get(checks.keyOf(message))) {
        throw new Refusal(`${path}.content[${index}].thinking`, "not what this server thought");
      }
    }
  }

  function think(key: string, thought: string): object[] {
    thoughts.set(key, thought);
    return inPieces(thought).map((piece) =>
      delta({ content: [{ type: "thinking", thinking: [{ type: "text", text: piece }] }] }),
    );
  }

  return {
    name: "mistral",
    status: 422,
    check(body) {
      if ("stream_options" in body) throw new Refusal("stream_options", "extra inputs are not permitted");
      checks.checkUnicode(body);
      checks.checkFields(body);
      checks.checkTurns(body);
      checks.checkSaysSomething(body);
      checks.checkIds(body, /^[a-zA-Z0-9]{9}$/);
      checks.checkArguments(body);
      checks.checkResults(body);
      for (const [index, message] of body.messages.entries()) {
        checkParts(message, `messages[${index}]`);
        if (message.role === "tool" && !/^[a-zA-Z0-9]{9}$/.test(String(message.tool_call_id))) {
          throw new Refusal(`messages[${index}].tool_call_id`, "not nine letters and digits");
        }
        if ("refusal" in message) throw new Refusal(`messages[${index}].refusal`, "an unknown field");
      }
    },
    error: ({ field, message }) => ({
      object: "error",
      message: {
        detail: [{ type: "value_error", loc: ["body", ...field.split(/[.[\]]+/).filter(Boolean)], msg: message }],
      },
      type: "invalid_request_error",
      param: null,
      code: null,
    }),
    call: (calls, answer) => {
      const sent = calls.map(({ name, arguments: args }, index) => ({
        index,
        id: `t${String(answer).padStart(4, "0")}X${index}yZ`,
        function: { name, arguments: JSON.stringify(args) },
      }));
      return [
        delta({ role: "assistant", content: "" }),
        ...think(sent[0]?.id ?? "", `Étape ${answer} : voyons d'abord.`),
        delta({ tool_calls: sent }, "tool_calls"),
      ];
    },
    say: (text, answer) => [
      ...think(text, `Étape ${answer} : tout est là.`),
      ...inPieces(text).map((piece, index) => delta({ content: index % 2 ? piece : [{ type: "text", text: piece }] })),
      finish(),
    ],
  };
}
