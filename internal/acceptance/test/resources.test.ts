import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { run } from "./support/packing.ts";
import type { Left } from "./workers/resources.worker.ts";

/** The heap that caches of a fixed size may take, in bytes. A leaked conversation (two turns) takes more than 2 KB. */
const ALLOWED = 6_000_000;

/** A guard against hanging, in ms. */
const LIMIT = 500_000;

describe("10,000 conversations in one process, 1,000 at a time", () => {
  it(
    "leave nothing after they are over: no heap, no listener, no handle",
    () => {
      const program = join(import.meta.dirname, "workers/resources.worker.ts");
      const lines = run(process.execPath, ["--expose-gc", program], import.meta.dirname, LIMIT)
        .trim()
        .split("\n");
      const all = lines.map((line) => JSON.parse(line) as Left);
      console.log(all.map(({ backend, heap }) => `${backend}: ${Math.round(heap / 1024)} KiB more heap`).join("\n"));
      expect(all.map(({ backend }) => backend)).toEqual(["in-memory", "file", expect.stringContaining("fallback")]);
      for (const left of all) {
        expect(left).toMatchObject({ conversations: 10_000, inFlight: 1_000, listeners: 0, resources: [] });
        expect(left.heap).toBeLessThan(ALLOWED);
      }
    },
    LIMIT + 10_000,
  );
});
