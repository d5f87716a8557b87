import { defineConfig } from "tsup";

// Every published package is built in the same way, from src/index.ts, in its own folder.
export default defineConfig({
  entry: ["src/index.ts"],
  format: ["esm", "cjs"],
  dts: true,
  clean: true,
  sourcemap: true,
  target: "node22.12",
  // Some of Node's own modules cannot be imported without "node:".
  removeNodeProtocol: false,
});
