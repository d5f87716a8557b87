import { invalidConfig } from "./config-error.ts";

/** Where a server is. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_HOST = "localhost";
export const DEFAULT_PORT = 6379;

const pattern = /^(?:\[([\da-fA-F:.%]+)\]|([^\s:/@[\]?#]+))?(?::(\d{1,5}))?$/;

/**
 * `"host:port"`, `"host"`, `":port"` or `"[::1]:port"`. Throws `INVALID_CONFIG`, without the text: there may be a
 * password in it.
 */
export function parseAddress(addr: unknown = "", defaultPort: number = DEFAULT_PORT): Address {
  const match = typeof addr === "string" ? pattern.exec(addr) : null;
  const port = Number(match?.[3] ?? defaultPort);
  if (match !== null && port > 0 && port < 65_536) return { host: match[1] ?? match[2] ?? DEFAULT_HOST, port };
  throw invalidConfig(
    "The address of the Redis server is none.",
    'Write "localhost:6379", or a URL: "redis://localhost:6379".',
  );
}
