/** What Redis and shells take a text for: `*`, `?`, `[…]`, and a backslash before what is literal. */
export function globPattern(glob: string, end = "$"): RegExp {
  const pattern = glob.replace(
    /\\([\s\S])|(\*)|(\?)|(\[[^\]]+\])|[\s\S]/g,
    (text, escaped?: string, ...kinds: unknown[]) => {
      const [any, one, set] = kinds;
      if (any !== undefined) return "[\\s\\S]*";
      if (one !== undefined) return "[\\s\\S]";
      return set === undefined ? literal(escaped ?? text) : text;
    },
  );
  return new RegExp(`^${pattern}${end}`);
}

/** What SQL's LIKE takes a text for: `%` and `_`. */
export function likePattern(text: string, end = "$"): RegExp {
  return new RegExp(`^${literal(text).replaceAll("%", "[\\s\\S]*").replaceAll("_", "[\\s\\S]")}${end}`);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
