import { DEFAULT_HOST, DEFAULT_PORT } from "./address.ts";
import { invalidConfig } from "./config-error.ts";
import type { PlaceOptions } from "./topology.ts";

/** What may stand after the question mark of a URL, and how it is read. */
const parameters: { readonly [name: string]: (text: string) => unknown } = {
  ttl: (text) => text,
  prefix: (text) => text,
  poolSize: numberOf,
  timeoutMs: numberOf,
  maxRecords: numberOf,
  index: booleanOf,
  reads: (text) => text,
  cluster: booleanOf,
  sentinel: (text) => text,
};

/**
 * The options that a URL stands for: `redis://[username][:password]@host[:port][,host…][/db][?ttl=…&prefix=…]`, or
 * `rediss:` for TLS, as registered with IANA for these schemes, but for the hosts: several are nodes of a cluster, or
 * with `sentinel=<name>` sentinels. Throws `INVALID_CONFIG`, without the URL.
 */
export function parseUrl(text: unknown): PlaceOptions {
  // URLs know of one host. What is in front of the hosts may have commas of its own.
  const [, before = "", first = "", others = "", rest = ""] =
    /^([a-z]+:\/\/(?:[^/?#]*@)?)([^,/?#@]*)((?:,[^,/?#@]*)*)(.*)$/s.exec(String(text)) ?? [];
  const url = typeof text === "string" ? URL.parse(before + first + rest) : null;
  if (url === null || !/^rediss?:$/.test(url.protocol)) throw invalid("The URL of the Redis server is none.");
  const { hostname, port, pathname, hash, searchParams } = url;
  if (hash !== "") throw invalid("The URL of the Redis server has a fragment (#…).");
  if (!/^\/?$|^\/\d+$/.test(pathname))
    throw invalid("The path of the Redis server's URL is not the number of a database.");
  const { cluster, sentinel, ...options } = parametersOf(searchParams);
  if (sentinel !== undefined && cluster !== undefined) throw invalid("`cluster` and `sentinel` are both given.");
  if (others !== "" && cluster === false) throw invalid("Several hosts are given, and `cluster=false`.");
  if (port === "0") throw invalid("The port in the URL of the Redis server is none.");
  const nodes = [first, ...others.split(",").slice(1)];
  return {
    ...options, // by the table above, of the types of the options; their values are checked with them
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
      // Where a password was not escaped, this may be a part of it.
      throw invalid(
        `The URL of the Redis server has no parameter ${/^\w+$/.test(name) ? `"${name}"` : "of that name"}.`,
      );
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
    throw invalid("User name or password in the URL of the Redis server has a % that escapes nothing.");
  }
}

function invalid(message: string): Error {
  return invalidConfig(
    message,
    `Write "redis://user:password@host:6379/0", with the parameters ${Object.keys(parameters).join(", ")} if need be; escape what is no letter or digit in a password (encodeURIComponent).`,
  );
}
