import { equal, ok } from "../expectations.ts";
import { type Suite, suiteOf } from "../suite.ts";

export const health: Suite = suiteOf("health", "ping returns how long the store took to answer", {
  async "in milliseconds, at every call"({ backend }) {
    for (let time = 0; time < 20; time++) {
      const { latencyMs } = await backend.ping();
      ok(typeof latencyMs === "number" && latencyMs >= 0 && latencyMs < 60_000, `latencyMs is ${latencyMs}`);
    }
    // The store stays as it is, and so does the answer to an earlier ping.
    const first = await backend.ping();
    const { latencyMs } = first;
    ok(first !== (await backend.ping()), "two pings return the same object");
    equal(first.latencyMs, latencyMs, "latencyMs after another ping");
    await Promise.all(Array.from({ length: 20 }, () => backend.ping()));
    equal(await backend.list(), [], "list");
  },
});
