#!/usr/bin/env bash
# tsup 9.0.0, `format: cjs` with `splitting: true`: every `import()` becomes `require`, and new syntax is rewritten as old.
#
# A good guess from memory: splitting changes only how shared code is divided into chunks, and a target of node22 keeps
# `import(address)` and `??` as they are, as the same build without splitting does.
#
# What happens: with splitting, tsup turns its ES chunks into CommonJS with another compiler (sucrase). `import(address)`
# of a module that only the caller knows becomes `require(address)`, which takes no file URL; `??` becomes a call of a
# helper, whatever the target is.
#
# For users of this repository: scripts/build/commonjs-chunks.ts makes the CommonJS chunks of @deep-agent/core, so that an
# adapter can still be given by its URL. See docs/decisions/0010-rooms-and-two-doors.md.
set -euo pipefail
TSUP=9.0.0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund "tsup@$TSUP" typescript@6.0.3 >/dev/null 2>&1
mkdir src
echo 'export const shared = (value) => value ?? "nothing";' >src/shared.js
echo 'export { shared } from "./shared.js"; export const load = (address) => import(address);' >src/one.js
echo 'export { shared } from "./shared.js";' >src/two.js
echo 'export const answer = 42;' >module.mjs

build() { npx --no-install tsup src/one.js src/two.js --format cjs --target node22 --silent --out-dir "$1" "${@:2}"; }
build plain --no-splitting
build split --splitting

try='const { load } = require(process.argv[1]); const { pathToFileURL } = require("node:url");
load(pathToFileURL("module.mjs").href).then((m) => console.log(m.answer), (error) => console.log(error.code));'
plain=$(node -e "$try" "$folder/plain/one.js")
split=$(node -e "$try" "$folder/split/one.js")
old=$(grep -lE '_nullishCoalesce' split/*.js | wc -l)
kept=$(grep -lE '\?\?' plain/*.js | wc -l)
echo "tsup $TSUP, import() of a file URL: without splitting $plain, with splitting $split"
echo "chunks that keep ??: without splitting $kept; chunks that have a helper instead, with splitting: $old"
[ "$plain" = 42 ] && [ "$split" = MODULE_NOT_FOUND ] && [ "$kept" -gt 0 ] && [ "$old" -gt 0 ]
