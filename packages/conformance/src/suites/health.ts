import { equal, ok } from "../expectations.ts";
import { type Suite, suiteOf } from "../suite.ts";

export const health: Suite = suiteOf("health", "ping returns how long the store took to answer", {
  async "in milliseconds, at every call"({ backend }) {
    for (let time = 0; time < 20; time++) {
      const { latencyMs } = await backend.ping();
      ok(typeof latencyMs === "number" && latencyMs >= 0 && latencyMs < 60_000, `latencyMs is ${latencyMs}`);
    }
  },

  async "and changes nothing: the store stays as it is, and so does the answer to another ping"({ backend }) {
    const first = await backend.ping();
    const { latencyMs } = first;
    const second = await backend.ping();
    ok(first !== second, "two pings return the same object");
    equal(first.latencyMs, latencyMs, "latencyMs after another ping");
    equal(await backend.list(), [], "list");
    await Promise.all(Array.from({ length: 20 }, () => backend.ping()));
    equal(await backend.list(), [], "list after several pings at the same time");
  },
});
