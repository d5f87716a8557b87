import type { MemoryErrorCode } from "@deep-agent/core/adapter";
import type { ConnectionFault } from "../wire/failures.ts";

/** What a failure means to the caller. */
export interface ErrorKind {
  code: MemoryErrorCode;
  retryable: boolean;
  hint: string;
}

const unauthorized = (hint: string): ErrorKind => ({ code: "UNAUTHORIZED", retryable: false, hint });
const busy = (hint: string): ErrorKind => ({ code: "UNAVAILABLE", retryable: true, hint });

const notAllowed = unauthorized(
  "Grant this user the commands and keys listed in docs/redis.md: redis-cli ACL LOG shows what was refused.",
);

const demoted = busy("The master became a replica during the write: try again after the failover.");

const tooOld: ErrorKind = {
  code: "NOT_SUPPORTED",
  retryable: false,
  hint: "Redis 6.2 or later is needed. If there is a proxy, it must pass this command on.",
};

/** The meaning of a server's error, by its first word. */
const refusals: Readonly<Record<string, ErrorKind>> = {
  NOAUTH: unauthorized("The server requires a password: set `password`, and `username` if it has users."),
  WRONGPASS: unauthorized("Wrong user name or password: check `username` and `password`."),
  NOPERM: notAllowed,
  OOM: {
    code: "CAPACITY",
    retryable: true,
    hint: "The server's memory is full: raise maxmemory, shorten the TTL, or delete memories.",
  },
  READONLY: busy("This server is a replica, perhaps since a failover: connect to the master."),
  LOADING: busy("The server is reading its data from disk: try again in a moment."),
  BUSY: busy("A script blocks the server: redis-cli SCRIPT KILL ends it."),
  MASTERDOWN: busy("This server is a replica without its master: try again after the failover."),
  CLUSTERDOWN: busy("The cluster does not serve all slots: see redis-cli CLUSTER INFO."),
  TRYAGAIN: busy("Slots of the cluster are being moved: try again in a moment."),
  UNBLOCKED: demoted,
  NOREPLICAS: busy("Too few replicas for min-replicas-to-write: see redis-cli INFO replication."),
  MISCONF: busy("The server cannot write its snapshots to disk: see its log."),
  WRONGTYPE: {
    code: "CORRUPT",
    retryable: false,
    hint: "This key does not hold a conversation: use another prefix or id.",
  },
  MOVED: {
    code: "NOT_SUPPORTED",
    retryable: false,
    hint: "This server is part of a cluster: give its nodes as `cluster`, or pass a cluster client.",
  },
  NOPROTO: tooOld,
};

const full = busy(
  "The server accepts no more connections: raise maxclients, lower `poolSize`, or make one backend and keep it.",
);

const hungUp = (reason: string): ErrorKind =>
  busy(
    `It closed the connection before it answered. ${reason} If a proxy does not know HELLO, set \`protocol: 2\`. If the server has no connection left, raise maxclients.`,
  );

/** The meaning of a failure to connect. A fault that is not here is told by the error itself. */
const faults: { readonly [fault in ConnectionFault]?: ErrorKind } = {
  password: unauthorized("See `cause`: what the function given as `password` threw, or gave instead of a string."),
  "password pending": unauthorized("The function given as `password` has to answer within `timeoutMs`."),
  full,
  "no hello": {
    code: "NOT_SUPPORTED",
    retryable: false,
    hint: "The server, or a proxy in front of it, does not know HELLO: set `protocol: 2`, or `?protocol=2` in the URL.",
  },
  "not TLS": {
    code: "UNAVAILABLE",
    retryable: false,
    hint: "The server does not speak TLS on this port: use `redis:` or `tls: false`, or its port for TLS.",
  },
  "no TLS": busy("Check that it runs. If it does not speak TLS on this port, use `redis:` or `tls: false`."),
  TLS: {
    code: "UNAVAILABLE",
    retryable: false,
    hint: "The server speaks TLS on this port: use `rediss:` or `tls: true`, or its port without TLS.",
  },
  "hung up": hungUp("If it speaks TLS on this port, use `rediss:` or `tls: true`."),
  "hung up after TLS": hungUp("If it wants a certificate of yours, set `tls: { cert, key }`."),
};

/** The same for errors without such a word. */
const phrases: readonly [RegExp, ErrorKind][] = [
  [/user executing the script can't/, notAllowed],
  [/WAIT cannot be used with replica/, demoted],
  [/max number of clients/, full],
  [
    /DB index is out of range|invalid DB index/,
    { code: "INVALID_CONFIG", retryable: false, hint: "Set `db` to a database that the server has." },
  ],
  [
    /invalid (multi)?bulk length/,
    {
      code: "RECORD_TOO_LARGE",
      retryable: false,
      hint: "A record exceeds the server's proto-max-bulk-len: store large content elsewhere.",
    },
  ],
  [/unknown command|syntax error|[Uu]nknown Redis command|unsupported command/, tooOld],
];

const unknownError: ErrorKind = { code: "UNAVAILABLE", retryable: false, hint: "See the server's log." };

export const unreachable: ErrorKind = busy(
  "Check that it runs and is reachable from here: redis-cli -h HOST -p PORT PING.",
);

export const notDurable: ErrorKind = {
  code: "DURABILITY",
  retryable: true,
  hint: "See redis-cli INFO replication. Retrying the same operation waits again, and writes nothing twice.",
};

/** For an index key of another type. */
export const foreignIndex: ErrorKind = {
  code: "CORRUPT",
  retryable: false,
  hint: "Another program uses this key: use another prefix, rename or delete the key, or set `index: false`.",
};

/** For failures of certificates and handshakes. */
export const untrusted: ErrorKind = {
  code: "UNAVAILABLE",
  retryable: false,
  hint: "Check `tls`: the authority in `ca`, the client's `cert` and `key`, the server's name in `servername`.",
};
/** The error codes of Node and OpenSSL for such failures. */
export const tlsCodes: RegExp = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** What a failure to connect means. `undefined`: its error says that. */
export function kindOfFault(fault: ConnectionFault | undefined): ErrorKind | undefined {
  return fault && faults[fault];
}

/** What a server's error means. */
export function kindOf(message: string): ErrorKind {
  // A script's error may contain the server's own error.
  for (const word of message.match(/\b[A-Z]{3,}\b/g) ?? []) {
    const kind = refusals[word];
    if (kind !== undefined) return kind;
  }
  return phrases.find(([phrase]) => phrase.test(message))?.[1] ?? unknownError;
}
