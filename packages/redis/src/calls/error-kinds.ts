import type { MemoryErrorCode } from "@deep-agent/core/adapter";

/** What a failure is to callers. */
export interface ErrorKind {
  code: MemoryErrorCode;
  retryable: boolean;
  hint: string;
}

const unauthorized = (hint: string): ErrorKind => ({ code: "UNAUTHORIZED", retryable: false, hint });
const busy = (hint: string): ErrorKind => ({ code: "UNAVAILABLE", retryable: true, hint });

const notAllowed = unauthorized(
  "Allow this user the commands and keys that docs/redis.md lists: redis-cli ACL LOG says what was refused.",
);

const demoted = busy("This server was made a replica while it waited for others: try again after the failover.");

/** What servers answer instead of doing what they are asked to, by the first word of it. */
const refusals: Readonly<Record<string, ErrorKind>> = {
  NOAUTH: unauthorized("The server wants a password: give `password`, and `username` if it has users."),
  WRONGPASS: unauthorized("User name and password do not fit: check `username` and `password`."),
  NOPERM: notAllowed,
  OOM: {
    code: "CAPACITY",
    retryable: true,
    hint: "The server's memory is full: raise maxmemory, shorten the TTL, or delete memories.",
  },
  READONLY: busy("This server is a replica, perhaps since a failover: connect to the master."),
  LOADING: busy("The server is reading its data from disk: try again in a moment."),
  BUSY: busy("A script holds the server up: redis-cli SCRIPT KILL ends it."),
  MASTERDOWN: busy("This server is a replica without its master: try again after the failover."),
  CLUSTERDOWN: busy("The cluster does not serve all slots: see redis-cli CLUSTER INFO."),
  TRYAGAIN: busy("Slots of the cluster are being moved: try again in a moment."),
  UNBLOCKED: demoted,
  NOREPLICAS: busy("Too few replicas are there for min-replicas-to-write: see redis-cli INFO replication."),
  MISCONF: busy("The server cannot write its snapshots to disk: see its log."),
  WRONGTYPE: {
    code: "CORRUPT",
    retryable: false,
    hint: "Something else than a conversation is stored under this key: use another prefix or id.",
  },
  MOVED: {
    code: "NOT_SUPPORTED",
    retryable: false,
    hint: "This server is part of a cluster: give its nodes as `cluster`, or a cluster's client.",
  },
  NOPROTO: { code: "NOT_SUPPORTED", retryable: false, hint: "Redis 6.2 or later is needed." },
};

/** Those that have no word of their own. */
const phrases: readonly [RegExp, ErrorKind][] = [
  [/user executing the script can't/, notAllowed],
  [/WAIT cannot be used with replica/, demoted],
  [/max number of clients/, busy("The server takes no more connections: raise maxclients, or lower `poolSize`.")],
  [
    /DB index is out of range|invalid DB index/,
    { code: "INVALID_CONFIG", retryable: false, hint: "Give a `db` that the server has." },
  ],
  [
    /invalid (multi)?bulk length/,
    {
      code: "RECORD_TOO_LARGE",
      retryable: false,
      hint: "The server takes no argument that long (proto-max-bulk-len): keep what is that large elsewhere.",
    },
  ],
  [
    /unknown command|syntax error|[Uu]nknown Redis command/,
    { code: "NOT_SUPPORTED", retryable: false, hint: "Redis 6.2 or later is needed." },
  ],
];

const unknownError: ErrorKind = { code: "UNAVAILABLE", retryable: false, hint: "See the server's log." };

export const unreachable: ErrorKind = busy(
  "Check that it runs and can be reached from here: redis-cli -h HOST -p PORT PING.",
);

export const notDurable: ErrorKind = {
  code: "DURABILITY",
  retryable: true,
  hint: "See redis-cli INFO replication; the same operation again waits for them again, and writes nothing twice.",
};

/** What Node and OpenSSL say of certificates and handshakes. */
export const untrusted: ErrorKind = {
  code: "UNAVAILABLE",
  retryable: false,
  hint: "Check `tls`: the authority in `ca`, the client's `cert` and `key`, the server's name in `servername`.",
};
export const tlsCodes: RegExp = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

/** What the server's words mean. */
export function kindOf(message: string): ErrorKind {
  // A script's error may have the server's own inside.
  for (const word of message.match(/\b[A-Z]{3,}\b/g) ?? []) {
    const kind = refusals[word];
    if (kind !== undefined) return kind;
  }
  return phrases.find(([phrase]) => phrase.test(message))?.[1] ?? unknownError;
}
