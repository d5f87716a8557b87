import { conformance } from "@deep-agent/conformance";
import { describe, it } from "@jest/globals";
import { KeyvBackend } from "../src/index.ts";

let map: Map<string, unknown>;
let ttl: number | null;

function onMap(): KeyvBackend<object> {
  return new KeyvBackend<object>({ store: map, ttl });
}

function newMap(ttlMs: number | null): KeyvBackend<object> {
  map = new Map();
  ttl = ttlMs;
  return onMap();
}

conformance(
  { describe, it },
  {
    name: "keyv over a Map",
    open: () => newMap(null),
    reopen: onMap,
    ttl: { open: newMap },
    residue: () => [...map.keys()],
  },
);
