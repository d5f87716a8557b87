#!/usr/bin/env bash
# openai 7.59.0, `stream: true`: a server that answers 200 with plain JSON gives an empty stream, and no error.
#
# A good guess from memory: the SDK looks at the content type, and either yields the one completion or throws, as
# there is no event to read. At the least it throws for `{"error": ...}`, as it does if an event has that object.
#
# What happens: the body is read as server-sent events. A line without `data:` is no event, so the loop ends without
# an item: an answer, an error and a login page look alike. The SDK does not look at the content type of a stream.
#
# For this repository: whoever reads a stream of the SDK must count what came. No event at all is not an empty answer.
set -euo pipefail
OPENAI=7.59.0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund "openai@$OPENAI" >/dev/null 2>&1
cat >try.mjs <<'JS'
import { createServer } from "node:http";
import OpenAI from "openai";

const message = { role: "assistant", content: "Hello" };
const choice = { index: 0, message, finish_reason: "stop" };
const chunk = (delta, finish_reason) => ({ choices: [{ index: 0, delta, finish_reason }] });
const event = (delta, finish_reason) => `data: ${JSON.stringify(chunk(delta, finish_reason))}\n\n`;
const stream = `${event({ content: "Hello" }, null)}${event({}, "stop")}data: [DONE]\n\n`;
const answers = {
  "a stream": ["text/event-stream", stream],
  "an error in a stream": ["text/event-stream", 'data: {"error":{"message":"overloaded"}}\n\n'],
  "a completion in JSON": ["application/json", JSON.stringify({ choices: [choice] })],
  "an error in JSON": ["application/json", '{"error":{"message":"overloaded"}}'],
  "a page": ["text/html", "<html>Please log in.</html>"],
};
let answer;
const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(200, { "content-type": answer[0] }).end(answer[1]));
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const client = new OpenAI({ apiKey: "none", baseURL, maxRetries: 0 });
for (const name in answers) {
  answer = answers[name];
  let chunks = 0;
  let end = "ended";
  try {
    const messages = [{ role: "user", content: "Hi" }];
    for await (const _ of await client.chat.completions.create({ model: "m", messages, stream: true })) chunks += 1;
  } catch (error) {
    end = `threw ${error.constructor.name}: ${error.message}`;
  }
  console.log(`${name}: ${chunks} chunks, ${end}`);
}
server.close();
server.closeAllConnections();
JS
got=$(node try.mjs)
echo "openai $OPENAI"
echo "$got"
[ "$got" = "a stream: 2 chunks, ended
an error in a stream: 0 chunks, threw APIError: overloaded
a completion in JSON: 0 chunks, ended
an error in JSON: 0 chunks, ended
a page: 0 chunks, ended" ]
