import { transform } from "esbuild";
import type { Options } from "tsup";

type Plugin = NonNullable<Options["plugins"]>[number];

/**
 * Turns the chunks of a build into CommonJS. A lazily imported chunk of the package itself is required lazily instead,
 * so that the package works without `import()`, as in Jest without flags. Every other `import()` stays unchanged.
 */
export function commonjsChunks(): Plugin {
  return {
    name: "commonjs-chunks",
    async renderChunk(code, { path }) {
      if (!path.endsWith(".cjs")) return undefined;
      const result = await transform(code, {
        ...{ format: "cjs", platform: "node", target: "node22.12" },
        sourcefile: path,
        sourcemap: true,
      });
      return {
        code: result.code.replaceAll(/\bimport\((".\/[^"]+")\)/g, "Promise.resolve().then(() => require($1))"),
        map: result.map,
      };
    },
  };
}
