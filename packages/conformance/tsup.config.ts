import { defineConfig } from "tsup";
import shared from "../../tsup.config.ts";

// The library for every runner, the program that needs none, and the programs of other processes and threads.
export default defineConfig([
  {
    ...shared,
    clean: false,
    // CommonJS has no `import.meta`; `fileBeside` does without it there.
    esbuildOptions(options, { format }) {
      if (format === "cjs") options.logOverride = { "empty-import-meta": "silent" };
    },
  },
  {
    ...shared,
    clean: false,
    // All in one folder: `fileBeside` finds the two last ones there.
    entry: {
      cli: "src/cli.ts",
      "elsewhere-program": "src/elsewhere/elsewhere-program.ts",
      "parent-watch": "src/elsewhere/parent-watch.ts",
    },
    format: "esm",
    splitting: false,
    dts: false,
  },
]);
