import { ok } from "../expectations.ts";
import { type Suite, suiteOf } from "../suite.ts";

export const health: Suite = suiteOf("health", "ping returns how long the store took to answer", {
  async "in milliseconds, at every call"({ backend }) {
    for (let time = 0; time < 3; time++) {
      const { latencyMs } = await backend.ping();
      ok(typeof latencyMs === "number" && latencyMs >= 0 && latencyMs < 60_000, `latencyMs is ${latencyMs}`);
    }
  },
});
