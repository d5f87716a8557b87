import { delta, finish } from "../chat-server.ts";
import { callChunks, inPieces, type Provider, Refusal, textChunks } from "../insisting-server.ts";
import * as checks from "../request-checks.ts";

type Detail = { type: string; index: number; text?: string; signature?: string; data?: string; id?: string };

/**
 * Insists like OpenRouter with a model that signs what it thinks: the `reasoning_details` of an answer come back as
 * they were, in order. They are streamed in pieces beside a plain `reasoning`, and comments come in between.
 */
export function openrouter(): Provider {
  const thoughts = new Map<string, Detail[]>();

  function think(key: string, thought: string): object[] {
    const format = "anthropic-claude-v1";
    const pieces = inPieces(thought).map((text) => ({ type: "reasoning.text", format, index: 0, text }));
    const signed = { type: "reasoning.text", format, index: 0, signature: `signed:${thought.length}` };
    const hidden = { type: "reasoning.encrypted", format, index: 1, id: `rs_${thought.length}`, data: "b64==" };
    thoughts.set(key, [
      { type: "reasoning.text", format, index: 0, text: thought, signature: signed.signature } as Detail,
      hidden,
    ]);
    return [
      ...pieces.map((piece) => delta({ content: "", reasoning: piece.text, reasoning_details: [piece] })),
      delta({ content: "", reasoning_details: [signed] }),
      delta({ content: "", reasoning: null, reasoning_details: [hidden] }),
    ];
  }

  return {
    name: "openrouter",
    between: ": OPENROUTER PROCESSING\n\n",
    check(body) {
      checks.checkUnicode(body);
      checks.checkFields(body, { message: ["reasoning", "reasoning_details"] });
      checks.checkSaysSomething(body);
      checks.checkArguments(body);
      checks.checkResults(body);
      for (const [index, message] of body.messages.entries()) {
        if (message.role !== "assistant") continue;
        const expected = thoughts.get(checks.keyOf(message));
        const given = message["reasoning_details"] as Detail[] | undefined;
        const same = checks.isSame(expected, given === undefined ? undefined : merged(given));
        if (!same) throw new Refusal(`messages[${index}].reasoning_details`, "not the details that were sent");
        const plain = message["reasoning"];
        if (plain !== undefined && plain !== (expected?.[0]?.text ?? "")) {
          throw new Refusal(`messages[${index}].reasoning`, "not the reasoning that was sent");
        }
      }
    },
    error: ({ field, message }) => ({
      error: {
        code: 400,
        message: "Provider returned error",
        metadata: { raw: `${field}: ${message}`, provider_name: "Example" },
      },
    }),
    call: (calls, answer) => {
      const idOf = (index: number) => `toolu_vrtx_${answer}_${index}`;
      return [...think(idOf(0), `Thought ${answer}: ask the tool.`), ...callChunks(calls, idOf), finish("tool_calls")];
    },
    say: (text, answer) => [...think(text, `Thought ${answer}: enough is known.`), ...textChunks(text), finish()],
  };
}

/** Pieces of the same detail joined: a client that sends the pieces back as they came is right too. */
function merged(details: readonly Detail[]): Detail[] {
  const whole: Detail[] = [];
  for (const piece of details) {
    const last = whole.at(-1);
    if (last === undefined || last.index !== piece.index || last.type !== piece.type) whole.push({ ...piece });
    else whole[whole.length - 1] = { ...last, ...piece, text: (last.text ?? "") + (piece.text ?? "") };
  }
  return whole;
}
