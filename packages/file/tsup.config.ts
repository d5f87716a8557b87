import { defineConfig } from "tsup";
import shared from "../../tsup.config.ts";

// The adapter, and the seam that its own tests and those of others break.
export default defineConfig({ ...shared, entry: ["src/index.ts", "src/testing.ts"] });
