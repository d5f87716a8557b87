import { extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * A program of the kit, beside this file: beside the sources as TypeScript, beside every build as the same ES module.
 */
export function fileBeside(name: string): URL {
  // Only one of the two exists: `__filename` where the kit is CommonJS.
  const own = typeof __filename === "string" ? pathToFileURL(__filename) : new URL(import.meta.url);
  return new URL(`./${name}${extname(fileURLToPath(own)) === ".ts" ? ".ts" : ".js"}`, own);
}
