import { MemoryError } from "../contract/memory-error.ts";

/** The adapter of each known scheme. An object names any other adapter: `{ adapter: "@acme/memory-s3" }`. */
const adapters: ReadonlyMap<string, string> = new Map([
  ["redis", "@deep-agent/redis"],
  ["rediss", "@deep-agent/redis"],
  ["file", "@deep-agent/file"],
  ["memory", "@deep-agent/in-memory"],
]);

/** Other names for the known schemes, too different to count as typing errors. */
const aliases: ReadonlyMap<string, string> = new Map([
  ["valkey", "redis"],
  ["valkeys", "rediss"],
  ["redis+tls", "rediss"],
  ["redis+ssl", "rediss"],
  ["mem", "memory"],
  ["ram", "memory"],
  ["inmemory", "memory"],
  ["in-memory", "memory"],
]);

/**
 * The package of the adapter for an address, by its scheme. Throws `INVALID_CONFIG` for any other text. The error
 * suggests what was probably meant, but quotes nothing of the address after the scheme: a password may be anywhere.
 */
export function adapterOfUrl(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const adapter = scheme === undefined ? undefined : adapters.get(scheme);
  if (adapter !== undefined) return adapter;
  throw new MemoryError("INVALID_CONFIG", problemOf(url, scheme), { hint: hintFor(url, scheme) });
}

function problemOf(url: string, scheme: string | undefined): string {
  if (url === "") return "The backend's address is empty.";
  // Without the slashes, the "scheme" may be a host, or a user name with the password after it.
  if (scheme === undefined || !url.slice(scheme.length).startsWith("://"))
    return "The backend's address does not begin with a known scheme.";
  return `The backend's address begins with the unknown scheme "${scheme}:".`;
}

function hintFor(url: string, scheme: string | undefined): string {
  const known = [...adapters.keys()].map((name) => `"${name}:"`).join(", ");
  const meant = probablyMeant(url, scheme);
  const guess = meant === undefined ? "" : `Did you mean "${meant}"? `;
  return `${guess}The known schemes are ${known}; name any other adapter by an object: { adapter: "@acme/memory-s3" }.`;
}

function probablyMeant(url: string, scheme: string | undefined): string | undefined {
  if (/^(\.{0,2}[/\\]|~|[a-z]:[/\\])/i.test(url)) return "file:<path>";
  if (/^[^/]*:\d+(\/|$)/.test(url)) return "redis://<host>:<port>";
  const word = scheme ?? url.toLowerCase();
  const close = aliases.get(word) ?? [...adapters.keys()].find((name) => distance(word, name) <= 2);
  return close === undefined ? undefined : `${close}:`;
}

/** How many letters must be added, removed or changed to turn one word into the other. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [line, letter] of [...from.slice(0, 20)].entries()) {
    const next = [line + 1];
    for (let column = 1; column <= to.length; column++) {
      const changed = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
