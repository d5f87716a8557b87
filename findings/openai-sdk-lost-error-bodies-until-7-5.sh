#!/usr/bin/env bash
# openai 7.4.0 and 7.5.0: the one loses what a server says in an error without a top-level `error`, the other keeps it.
#
# A good guess from memory: "400 status code (no body)", with `error.error` undefined, for all such bodies in all
# versions; or that versions of one major number read errors alike.
#
# What happens: up to 7.4.0 the guess is right, though there is a body. From 7.5.0 on, the whole body is `error.error`.
# Its text is the message only if `message` stands at the top and is text; otherwise the message is JSON. Google's body
# is an array: `error.error` is that array, and `error.code` is undefined. If the body's `error` is text, what stands
# beside it is lost (xAI's code), and the message has quotation marks.
#
# For users of this repository: with an older openai, you are not told why Gemini's endpoint, Mistral or an older vLLM
# refused a request.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >try.mjs <<'JS'
import { createServer } from "node:http";
import OpenAI from "openai";

const bodies = {
  Google: [400, [{ error: { code: 400, message: "Bad name", status: "INVALID_ARGUMENT" } }]],
  Mistral: [422, { object: "error", message: { detail: [{ msg: "Field required" }] }, type: "invalid_request_error" }],
  FastAPI: [422, { detail: [{ msg: "Field required" }] }],
  "vLLM to 0.10.0": [400, { object: "error", message: "Roles must alternate", type: "BadRequestError", code: 400 }],
  "vLLM from 0.10.1": [400, { error: { message: "Roles must alternate", type: "BadRequestError", code: 400 } }],
  xAI: [400, { code: "Invalid argument", error: "No content" }],
};
let answer;
const server = createServer((request, response) => {
  const [status, body] = answer;
  const send = () => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  request.resume().on("end", send);
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const client = new OpenAI({ apiKey: "none", baseURL, maxRetries: 0 });
const kind = (value) => (Array.isArray(value) ? "array" : typeof value);
for (const name in bodies) {
  answer = bodies[name];
  const messages = [{ role: "user", content: "Hi" }];
  const request = client.chat.completions.create({ model: "m", messages, stream: true });
  const error = await request.catch((thrown) => thrown);
  console.log(`  ${name}: ${error.message} | code ${error.code} | error ${kind(error.error)}`);
}
server.close();
server.closeAllConnections();
JS
try() {
  mkdir "$1"
  (
    cd "$1"
    npm init --yes >/dev/null
    npm install --silent --no-audit --no-fund "openai@$1" >/dev/null 2>&1
    cp ../try.mjs .
    node try.mjs
  )
}
before=$(try 7.4.0)
after=$(try 7.5.0)
now=$(try 7.59.0)
printf 'openai 7.4.0\n%s\nopenai 7.5.0\n%s\nopenai 7.59.0\n%s\n' "$before" "$after" "$now"
[ "$before" = '  Google: 400 status code (no body) | code undefined | error undefined
  Mistral: 422 status code (no body) | code undefined | error undefined
  FastAPI: 422 status code (no body) | code undefined | error undefined
  vLLM to 0.10.0: 400 status code (no body) | code undefined | error undefined
  vLLM from 0.10.1: 400 Roles must alternate | code 400 | error object
  xAI: 400 "No content" | code undefined | error string' ]
[ "$after" = '  Google: 400 [{"error":{"code":400,"message":"Bad name","status":"INVALID_ARGUMENT"}}] | code undefined | error array
  Mistral: 422 {"detail":[{"msg":"Field required"}]} | code undefined | error object
  FastAPI: 422 {"detail":[{"msg":"Field required"}]} | code undefined | error object
  vLLM to 0.10.0: 400 Roles must alternate | code 400 | error object
  vLLM from 0.10.1: 400 Roles must alternate | code 400 | error object
  xAI: 400 "No content" | code undefined | error string' ]
[ "$now" = "$after" ]
