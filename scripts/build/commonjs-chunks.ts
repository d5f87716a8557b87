import { transform } from "esbuild";
import type { Options } from "tsup";

type Plugin = NonNullable<Options["plugins"]>[number];

/**
 * Turns the chunks of a build into CommonJS. What is imported lazily by its name is required lazily instead: a chunk of
 * the package itself, or another package, which must have a form for CommonJS. So the package works without `import()`,
 * as in Jest without flags. An `import()` of a computed name stays unchanged.
 *
 * For a bundler, a package is optional only if its `require` itself stands within `try`, not a function there. So an
 * `import()` of a package has to stand in an async function, and to be awaited.
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
        code: result.code
          .replaceAll(/\bimport\(("\.\/[^"]+")\)/g, "Promise.resolve().then(() => require($1))")
          .replaceAll(/\bawait import\(("[^"]+")\)/g, "await require($1)"),
        map: result.map,
      };
    },
  };
}
