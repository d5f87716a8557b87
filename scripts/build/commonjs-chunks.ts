import { transform } from "esbuild";
import type { Options } from "tsup";

type Plugin = NonNullable<Options["plugins"]>[number];

/**
 * Turns the chunks of a build into CommonJS. A chunk of the package itself that is imported late is required late, so that the
 * package works where there is no `import()`, as in Jest without flags; every other `import()` stays as it is.
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
