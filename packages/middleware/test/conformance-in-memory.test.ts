import { conformance } from "@deep-agent/conformance";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { describe, it } from "@jest/globals";
import { layers, stacks } from "./support/stacks.ts";

let now = 0;

for (const [name, stack] of Object.entries({ ...layers, ...stacks })) {
  const open = (ttl: number | null) =>
    stack(new InMemoryBackend<object>({ ttl, clock: () => Date.now() + now }), new InMemoryBackend<object>());
  conformance(
    { describe, it },
    {
      name: `${name}, on RAM`,
      open: () => open(null),
      ttl: {
        open,
        advance(ms) {
          now += ms;
        },
      },
    },
  );
}
