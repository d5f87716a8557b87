import { InMemoryBackend } from "@deep-agent/in-memory";

let now = 1_700_000_000_000;
const ttl = {
  open: (ms) => new InMemoryBackend({ ttl: ms, clock: () => now }),
  advance: (ms) => {
    now += ms;
  },
};

export const good = { name: "good", open: () => new InMemoryBackend(), ttl };

export const broken = {
  name: "broken",
  open() {
    const backend = new InMemoryBackend();
    const load = backend.load.bind(backend);
    backend.load = async (...args) => (await load(...args))?.slice(0, 9_999) ?? null;
    return backend;
  },
  ttl,
};
