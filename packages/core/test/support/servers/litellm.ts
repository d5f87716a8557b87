import { delta, finish } from "../chat-server.ts";
import { callChunks, inPieces, type Provider, Refusal, textChunks } from "../insisting-server.ts";
import * as checks from "../request-checks.ts";

type Block = { type: "thinking"; thinking: string; signature: string } | { type: "redacted_thinking"; data: string };

/**
 * Insists like LiteLLM before a model of Anthropic: the `thinking_blocks` of an answer that called tools come back
 * whole, each with its signature, and ids of calls are unique. The blocks are streamed in pieces without any index.
 */
export function litellm(): Provider {
  const thoughts = new Map<string, Block[]>();

  function think(key: string, answer: number): object[] {
    const first: Block = {
      type: "thinking",
      thinking: `Block ${answer}: the user wants facts.`,
      signature: `sig-${answer}-a==`,
    };
    const hidden: Block = { type: "redacted_thinking", data: `hidden-${answer}` };
    const second: Block = { type: "thinking", thinking: "And numbers.", signature: `sig-${answer}-b==` };
    const blocks = answer % 2 === 0 ? [first] : [first, second, hidden];
    thoughts.set(key, blocks);
    return blocks.flatMap((block) => {
      if (block.type !== "thinking") return [thinkingDelta([block])];
      const pieces = inPieces(block.thinking).map((thinking) => ({ type: "thinking", thinking, signature: "" }));
      const signed = { type: "thinking", thinking: "", signature: block.signature };
      return [...pieces, signed].map((piece) => thinkingDelta([piece], piece.thinking));
    });
  }

  return {
    name: "litellm",
    check(body) {
      checks.checkUnicode(body);
      checks.checkFields(body, { message: ["reasoning_content", "thinking_blocks", "provider_specific_fields"] });
      checks.checkSaysSomething(body);
      checks.checkIds(body, /^[a-zA-Z0-9_-]+$/);
      checks.checkUniqueIds(body);
      checks.checkArguments(body);
      checks.checkResults(body);
      for (const [index, message] of body.messages.entries()) {
        if (message.role !== "assistant") continue;
        const path = `messages[${index}].thinking_blocks`;
        const expected = thoughts.get(checks.keyOf(message));
        const given = message["thinking_blocks"];
        if (given !== undefined && !checks.isSame(given, expected))
          throw new Refusal(path, "not the blocks that were sent");
        if (expected !== undefined && given === undefined && checks.inToolTurn(body.messages, index)) {
          throw new Refusal(path, "a turn with tools lacks its thinking blocks");
        }
      }
    },
    error: ({ field, message }) => ({
      error: {
        message: `litellm.BadRequestError: AnthropicException - {"type":"error","error":{"message":"${field}: ${message}"}}`,
        type: null,
        param: null,
        code: "400",
      },
    }),
    call: (calls, answer) => {
      const idOf = (index: number) => `toolu_01${String(answer).padStart(8, "A")}${index}`;
      return [...think(idOf(0), answer), ...callChunks(calls, idOf), finish("tool_calls")];
    },
    say: (text, answer) => [...think(text, answer), ...textChunks(text), finish()],
  };
}

function thinkingDelta(blocks: readonly object[], reasoning?: string): object {
  return delta({
    content: "",
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    thinking_blocks: blocks,
    provider_specific_fields: { thinking_blocks: blocks },
  });
}
