import { rmSync } from "node:fs";
import { defineConfig } from "tsup";
import { commonjsChunks } from "../../scripts/build/commonjs-chunks.ts";
import shared from "../../tsup.config.ts";

// Once, before the builds below, which run at the same time. Names of chunks hold a hash, so old ones would stay.
rmSync("dist", { recursive: true, force: true });

// `AsyncDisposable` is in the declarations, and a compiler without `@types/node` knows it from this library alone.
const banner = '/// <reference lib="esnext.disposable" />';

// Both doors in one build, so that they share what both need: in ESM and in CommonJS there is one MemoryError.
const doors = { ...shared, entry: ["src/index.ts", "src/adapter.ts"], clean: false, splitting: true } as const;

export default defineConfig([
  { ...doors, format: "esm", dts: { banner } },
  // tsup's own CommonJS in chunks takes new syntax away, and `import()` of a module that only its user knows.
  {
    ...doors,
    format: "esm",
    dts: false,
    outExtension: () => ({ js: ".cjs" }),
    define: { IS_COMMONJS: "true" },
    plugins: [commonjsChunks()],
  },
  { ...doors, format: "cjs", dts: { only: true, banner } },
]);
