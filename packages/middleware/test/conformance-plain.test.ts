import { conformance } from "@deep-agent/conformance";
import { KeyvBackend } from "@deep-agent/keyv";
import { describe, it } from "@jest/globals";
import { layers } from "./support/stacks.ts";

let map: Map<string, unknown>;

// A store without `log`.
for (const [name, layer] of Object.entries(layers)) {
  const onMap = () => layer(new KeyvBackend<object>({ store: map }));
  conformance(
    { describe, it },
    {
      name: `${name}, on keyv over a Map`,
      open() {
        map = new Map();
        return onMap();
      },
      reopen: onMap,
      residue: () => [...map.keys()],
    },
  );
}
