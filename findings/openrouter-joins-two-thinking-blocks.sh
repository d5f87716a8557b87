#!/usr/bin/env bash
# @openrouter/ai-sdk-provider 3.1.0: two signed blocks of reasoning in one answer become one, signed as the first.
#
# A good guess from memory: streamed `reasoning_details` have an `index`, and OpenRouter's own provider joins by index
# the pieces that belong together, as tool calls are joined by theirs.
#
# What happens: `index` is not looked at. Consecutive pieces of type `reasoning.text` are joined: their texts one after
# the other, and the first signature counts. The second block's text then stands under the first block's index and
# signature, and its own signature is lost. A provider that checks signatures may refuse that text later.
#
# For this repository: pieces of reasoning are joined by type and index, not by this rule.
set -euo pipefail
OPENROUTER=3.1.0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --legacy-peer-deps \
  "@openrouter/ai-sdk-provider@$OPENROUTER" ai@7.0.173 zod@4.3.6 >/dev/null 2>&1
cat >try.mjs <<'JS'
import { createServer } from "node:http";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";

const format = "anthropic-claude-v1";
const type = "reasoning.text";
const piece = (detail) => ({ reasoning_details: [{ type, format, ...detail }] });
const deltas = [
  piece({ index: 0, text: "First. " }),
  piece({ index: 0, signature: "signature of the first" }),
  piece({ index: 1, text: "Second." }),
  piece({ index: 1, signature: "signature of the second" }),
  { content: "Hello" },
];
const chunk = (delta, finish_reason) => ({ id: "1", model: "m", choices: [{ index: 0, delta, finish_reason }] });
const chunks = [...deltas.map((delta) => chunk(delta, null)), chunk({}, "stop")];
const body = `${chunks.map((each) => `data: ${JSON.stringify(each)}\n\n`).join("")}data: [DONE]\n\n`;
const server = createServer((request, response) => {
  const headers = { "content-type": "text/event-stream" };
  request.resume().on("end", () => response.writeHead(200, headers).end(body));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const model = createOpenRouter({ apiKey: "none", baseURL }).chat("m");
const content = [{ type: "text", text: "Hi" }];
const { stream } = await model.doStream({ prompt: [{ role: "user", content }] });
for await (const part of stream) {
  if (part.type !== "finish") continue;
  for (const { index, text, signature } of part.providerMetadata.openrouter.reasoning_details)
    console.log(`index ${index}: ${text} (${signature})`);
}
server.close();
server.closeAllConnections();
JS
got=$(node try.mjs)
echo "@openrouter/ai-sdk-provider $OPENROUTER"
echo "$got"
[ "$got" = "index 0: First. Second. (signature of the first)" ]
