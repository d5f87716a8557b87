import { invalidConfig } from "./config-error.ts";

/** The address of a server. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_HOST = "localhost";
export const DEFAULT_PORT = 6379;

const pattern = /^(?:\[([\da-fA-F:.%]+)\]|([^\s:/@[\]?#]+))?(?::(\d{1,5}))?$/;

/**
 * Reads `"host:port"`, `"host"`, `":port"` or `"[::1]:port"`. Throws `INVALID_CONFIG`. The error does not quote the
 * text, which may have a password in it.
 */
export function parseAddress(addr: unknown = "", defaultPort: number = DEFAULT_PORT): Address {
  const match = typeof addr === "string" ? pattern.exec(addr) : null;
  const port = Number(match?.[3] ?? defaultPort);
  if (match !== null && port > 0 && port < 65_536) return { host: match[1] ?? match[2] ?? DEFAULT_HOST, port };
  throw invalidConfig("Invalid Redis address.", 'Write "localhost:6379", or a URL: "redis://localhost:6379".');
}
