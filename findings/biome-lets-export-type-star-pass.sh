#!/usr/bin/env bash
# Biome 2.6.8: the rule performance/noReExportAll reports `export * from`, and lets `export type * from` pass.
#
# A good guess from memory: a rule against re-exporting all of a module reports both, as both make every name of the other
# module public.
#
# What happens: only the first is reported. The rule is about bundles, and types are in none.
#
# For this repository: a GritQL plugin of ten lines refuses the second, so that no name becomes public by accident
# (biome.jsonc).
set -euo pipefail
BIOME=2.6.8
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund "@biomejs/biome@$BIOME" >/dev/null 2>&1
echo '{ "linter": { "rules": { "recommended": false, "performance": { "noReExportAll": "error" } } } }' >biome.json
echo 'export * from "./other.js";' >values.ts
echo 'export type * from "./other.js";' >types.ts

count() { npx --no-install biome lint "$1" 2>&1 | grep -c 'lint/performance/noReExportAll' || true; }
values=$(count values.ts)
types=$(count types.ts)
echo "Biome $BIOME: export * is reported $values time(s), export type * is reported $types time(s)"
[ "$values" = 1 ] && [ "$types" = 0 ]
