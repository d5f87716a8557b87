import { cleanCause, MemoryError, type MemoryErrorCode, type Outcome, quoteId } from "@deep-agent/core/adapter";
import { BACKEND } from "../options/config-error.ts";
import { Refusal } from "../wire/failures.ts";
import { NoReply } from "../wire/redis-commands.ts";
import { TooLate, Unsure } from "./attempts.ts";
import { TooFewReplicas } from "./script-runner.ts";

/** What was being done, for messages. */
export interface Doing {
  /** `"append to"`, `"read"`, … */
  verb: string;
  memoryId: string | undefined;
  /** The server, as it may be shown: `"localhost:6379"`. */
  server: string;
  /** Whether it changes something, so that its outcome matters. */
  writes: boolean;
}

interface Kind {
  code: MemoryErrorCode;
  retryable: boolean;
  hint: string;
}

const unauthorized = (hint: string): Kind => ({ code: "UNAUTHORIZED", retryable: false, hint });
const busy = (hint: string): Kind => ({ code: "UNAVAILABLE", retryable: true, hint });

const notAllowed = unauthorized(
  "Allow this user the commands and keys that docs/redis.md lists: redis-cli ACL LOG says what was refused.",
);

const demoted = busy("This server was made a replica while it waited for others: try again after the failover.");

/** What servers answer instead of doing what they are asked to, by the first word of it. */
const refusals: Readonly<Record<string, Kind>> = {
  NOAUTH: unauthorized("The server wants a password: give `password`, and `username` where it has users."),
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
const phrases: readonly [RegExp, Kind][] = [
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

const unknownRefusal: Kind = { code: "UNAVAILABLE", retryable: false, hint: "See the server's log." };

const unreachable: Kind = busy("Check that it runs and can be reached from here: redis-cli -h HOST -p PORT PING.");

const notDurable: Kind = {
  code: "DURABILITY",
  retryable: true,
  hint: "See redis-cli INFO replication; the same operation again waits for them again, and writes nothing twice.",
};

/** What Node and OpenSSL say of certificates and handshakes. */
const untrusted: Kind = {
  code: "UNAVAILABLE",
  retryable: false,
  hint: "Check `tls`: the authority in `ca`, the client's `cert` and `key`, the server's name in `servername`.",
};
const tlsCodes = /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;

function kindOf(message: string): Kind {
  // A script's error may have the server's own inside.
  for (const word of message.match(/\b[A-Z]{3,}\b/g) ?? []) {
    const kind = refusals[word];
    if (kind !== undefined) return kind;
  }
  return phrases.find(([phrase]) => phrase.test(message))?.[1] ?? unknownRefusal;
}

/** The error that a caller gets for what went wrong underneath; what is no matter of Redis is answered as it is. */
export function redisError(error: unknown, doing: Doing): unknown {
  if (error instanceof Unsure) return mapped(error.cause, doing, "unknown");
  return mapped(error, doing, error instanceof NoReply && error.sent ? "unknown" : "not-applied");
}

function mapped(error: unknown, doing: Doing, outcome: Outcome): unknown {
  if (MemoryError.is(error)) return outcome === "unknown" ? unsure(error) : error;
  if (error instanceof TooFewReplicas) {
    return failure(notDurable, doing, `it is written, but ${error.message} in time`, "applied");
  }
  if (error instanceof Refusal) {
    const became = outcome === "unknown" ? outcome : error.outcome;
    const server = error.server ?? doing.server;
    return failure(kindOf(error.message), doing, `${server} answered ${shown(error)}`, became, error);
  }
  if (error instanceof TooLate) {
    return failure(unreachable, doing, `${doing.server} got it after its deadline, and did nothing`, outcome);
  }
  if (!(error instanceof NoReply)) return error;
  // Where the connection was never made, the reason may be the server's: a wrong password.
  const reason = (error.cause ?? error) as Error; // as clients reject
  const { code = "" } = reason as { code?: string };
  const answered = /^[A-Z]{2,} /.test(reason.message);
  const kind = answered ? kindOf(reason.message) : tlsCodes.test(code) ? untrusted : unreachable;
  const server = error.server ?? doing.server;
  const unsent = answered ? `${server} refused the connection` : `${server} could not be reached`;
  const problem = error.sent ? `no reply came from ${server}` : unsent;
  return failure(kind, doing, `${problem} (${shown(reason)})`, outcome, reason);
}

function failure(kind: Kind, doing: Doing, problem: string, outcome: Outcome, cause?: Error): MemoryError {
  const { verb, memoryId, writes } = doing;
  return new MemoryError(
    kind.code,
    `Cannot ${verb}${memoryId === undefined ? "" : ` memory ${quoteId(memoryId)}`}: ${problem}.`,
    {
      backend: BACKEND,
      memoryId,
      outcome: writes ? outcome : "not-applied",
      retryable: kind.retryable,
      hint: kind.hint,
      cause: cause && cleanCause(cause, withoutArguments),
    },
  );
}

/** The same error, of a write whose earlier attempt may have taken effect. */
function unsure(error: MemoryError): MemoryError {
  const { code, message, hint, retryable, backend, memoryId, cause } = error;
  const text = hint === undefined ? message : message.slice(0, -hint.length - 1);
  return new MemoryError(code, text, { outcome: "unknown", hint, retryable, backend, memoryId, cause });
}

/** One line of it: a code where there is one, or the server's words. */
function shown(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : withoutArguments(error.message).replace(/[.\s]+$/, "");
}

/** Servers quote the arguments of a command that they do not know. */
function withoutArguments(message: string): string {
  return (message.split(/,? with args beginning with/)[0] ?? "").slice(0, 200);
}

export function conflict(memoryId: string): MemoryError {
  return new MemoryError(
    "CONFLICT",
    `Nothing was written to memory ${quoteId(memoryId)}: it is not the log, or not at the revision, that the write expects.`,
    { backend: BACKEND, memoryId, hint: "Read it again, and decide on what is there now." },
  );
}

export function foreign(memoryId: string, type: string): MemoryError {
  return new MemoryError("CORRUPT", `Memory ${quoteId(memoryId)} is no conversation: its key holds a ${type}.`, {
    backend: BACKEND,
    memoryId,
    hint: "Another program uses this key: use another prefix or id.",
  });
}

export function damaged(memoryId: string, problem: string): MemoryError {
  return new MemoryError("CORRUPT", `The log of memory ${quoteId(memoryId)} is damaged: ${problem}.`, {
    backend: BACKEND,
    memoryId,
    hint: "If another program uses this key, use another prefix or id; if not, restore it from a backup, or delete the memory.",
  });
}

export function unsteady(): MemoryError {
  return new MemoryError(
    "UNAVAILABLE",
    "Cannot list memories: again and again, servers took each other's place meanwhile.",
    {
      backend: BACKEND,
      retryable: true,
      hint: "Try again when the failover or the resharding is over.",
    },
  );
}

export function unknownMaster(): MemoryError {
  const what =
    "a slot is on its way from or to a node of the cluster that cannot be asked, or that the client does not know yet";
  return new MemoryError("UNAVAILABLE", `Cannot list memories: ${what}.`, {
    backend: BACKEND,
    retryable: true,
    hint: "Try again when the slot has arrived, or let the backend connect by itself (`cluster`).",
  });
}
