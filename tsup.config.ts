import { defineConfig } from "tsup";

// Every published package is built alike, from src/index.ts, in its own folder.
export default defineConfig({
  entry: ["src/index.ts"],
  format: ["esm", "cjs"],
  dts: true,
  clean: true,
  sourcemap: true,
  target: "node22.12",
  // Some of Node's own modules have no name without "node:".
  removeNodeProtocol: false,
});
