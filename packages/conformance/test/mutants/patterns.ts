/** How Redis and shells read a glob: `*`, `?`, `[…]`, and a backslash before a literal character. */
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

/** How SQL's LIKE reads a text: `%` and `_`. */
export function likePattern(text: string, end = "$"): RegExp {
  return new RegExp(`^${literal(text).replaceAll("%", "[\\s\\S]*").replaceAll("_", "[\\s\\S]")}${end}`);
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
