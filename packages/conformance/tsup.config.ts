import { defineConfig } from "tsup";
import shared from "../../tsup.config.ts";

// The library for every runner, and the program that needs none.
export default defineConfig([
  { ...shared, clean: false },
  { ...shared, clean: false, entry: ["src/cli.ts"], format: "esm", dts: false },
]);
