import { DEFAULT_HOST, DEFAULT_PORT } from "./address.ts";
import { invalidConfig } from "./config-error.ts";
import type { PlaceOptions } from "./topology.ts";

/** The parameters in the query of a URL, and how each is read. */
const parameters: { readonly [name: string]: (text: string) => unknown } = {
  ttl: (text) => text,
  prefix: (text) => text,
  poolSize: numberOf,
  idleTimeoutMs: numberOf,
  timeoutMs: numberOf,
  maxRecords: numberOf,
  index: booleanOf,
  reads: (text) => text,
  protocol: numberOf,
  family: numberOf,
  cluster: booleanOf,
  sentinel: (text) => text,
};

/**
 * Reads the options in a URL: `redis://[username][:password]@host[:port][,host…][/db][?ttl=…&prefix=…]`, or `rediss:`
 * for TLS. This is the format that IANA registers for these schemes, with one addition: several hosts are the nodes of
 * a cluster or, with `sentinel=<name>`, sentinels. Throws `INVALID_CONFIG`. The error does not quote the URL.
 */
export function parseUrl(text: unknown): PlaceOptions {
  // The URL parser accepts one host only. User name and password before the hosts may contain commas.
  const [, before = "", first = "", others = "", rest = ""] =
    /^([a-z]+:\/\/(?:[^/?#]*@)?)([^,/?#@]*)((?:,[^,/?#@]*)*)(.*)$/s.exec(String(text)) ?? [];
  const url = typeof text === "string" ? URL.parse(before + first + rest) : null;
  if (url === null || !/^rediss?:$/.test(url.protocol)) throw invalid("Invalid Redis URL.");
  const { hostname, port, pathname, hash, searchParams } = url;
  if (hash !== "") throw invalid("The Redis URL has a fragment (#…).");
  if (!/^\/?$|^\/\d+$/.test(pathname)) throw invalid("The path of the Redis URL is not a database number.");
  const { cluster, sentinel, ...options } = parametersOf(searchParams);
  if (sentinel !== undefined && cluster !== undefined) throw invalid("`cluster` and `sentinel` are both given.");
  if (others !== "" && cluster === false) throw invalid("Several hosts are given, but `cluster=false`.");
  if (port === "0") throw invalid("The Redis URL has port 0.");
  const nodes = [first, ...others.split(",").slice(1)];
  return {
    ...options, // the table above gives each its type; the values are checked together with the other options
    ...(sentinel !== undefined
      ? { sentinel: { name: String(sentinel), nodes } }
      : (cluster ?? others !== "")
        ? { cluster: nodes }
        : {
            host: hostname.replace(/^\[(.*)\]$/, "$1") || DEFAULT_HOST,
            port: port === "" ? DEFAULT_PORT : Number(port),
          }),
    tls: url.protocol === "rediss:",
    ...(url.username !== "" && { username: decoded(url.username) }),
    ...(url.password !== "" && { password: decoded(url.password) }),
    ...(pathname.length > 1 && { db: Number(pathname.slice(1)) }),
  };
}

function parametersOf(searchParams: URLSearchParams): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const name of new Set(searchParams.keys())) {
    const read = Object.hasOwn(parameters, name) ? parameters[name] : undefined;
    const [value, ...more] = searchParams.getAll(name);
    if (read === undefined || value === undefined)
      // If a password was not escaped, the name may be a part of it.
      throw invalid(`Unknown parameter${/^\w+$/.test(name) ? ` "${name}"` : ""} in the Redis URL.`);
    if (more.length > 0) throw invalid(`The parameter ${JSON.stringify(name)} is given twice.`);
    options[name] = read(value);
  }
  if (Number.isNaN(options["cluster"])) throw invalid("The parameter `cluster` must be true or false.");
  return options;
}

function numberOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function booleanOf(text: string): boolean | number {
  return text === "true" ? true : text === "false" ? false : Number.NaN;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid("The user name or password in the Redis URL has an invalid % escape.");
  }
}

function invalid(message: string): Error {
  return invalidConfig(
    message,
    `Write "redis://user:password@host:6379/0". Parameters: ${Object.keys(parameters).join(", ")}. Escape the password with encodeURIComponent.`,
  );
}
