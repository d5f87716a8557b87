import { checkOptionNames, cleanCause, parseTtl, type Ttl, warnOf } from "@deep-agent/core/adapter";
import { detectKeyv, Keyv } from "keyv";
import { BACKEND, invalidConfig, shown, withoutQuotes } from "./keyv-error.ts";

/** What Keyv takes for a store: an adapter such as `KeyvSqlite`, a `Map`, or what has these methods, with promises or without. */
export interface KeyvStore {
  get(key: string): unknown;
  set(key: string, value: unknown, ...more: unknown[]): unknown;
  delete(key: string): unknown;
  clear(): unknown;
}

export interface KeyvBackendOptions {
  /** A Keyv, with the store, namespace, TTL, serialization, compression and encryption that it has. Either this or `store`. */
  keyv?: Keyv | undefined;
  /** A store, of which the backend makes a Keyv. */
  store?: KeyvStore | undefined;
  /** Keeps what is in the store apart from what others have there. Only with `store`. Default: the one that the store has, or none. */
  namespace?: string | undefined;
  /** How long a memory lives after its last write: `"7d"`, milliseconds, or `0` or `null` for ever. Default: the TTL of the Keyv. */
  ttl?: Ttl | undefined;
}

/** The options, checked and complete. */
export interface KeyvSettings {
  readonly keyv: Keyv;
  /** Milliseconds; 0: for ever; `undefined`: the Keyv's own. */
  readonly ttl: number | undefined;
}

const optionNames = ["keyv", "store", "namespace", "ttl"] satisfies (keyof KeyvBackendOptions)[];

/** Throws `INVALID_CONFIG`. */
export function settingsOf(given: Keyv | KeyvStore | KeyvBackendOptions): KeyvSettings {
  const { keyv, store, namespace, ttl } = isKeyv(given)
    ? { keyv: given }
    : isStore(given)
      ? { store: given }
      : checkedOptions(given);
  if ((keyv === undefined) === (store === undefined)) {
    throw invalidConfig("A KeyvBackend needs either a `keyv` or a `store`.", "Give one of the two.");
  }
  const used = keyv === undefined ? keyvOn(store, namespace) : givenKeyv(keyv, namespace);
  checkNamespace(used.namespace);
  return { keyv: used, ttl: ttl === undefined ? undefined : (parseTtl(ttl) ?? 0) };
}

/** By what it has: it may come from another copy of keyv. */
function isKeyv(given: unknown): given is Keyv {
  return detectKeyv(given).compatible;
}

/** As Keyv tells stores from options. */
function isStore(given: unknown): given is KeyvStore {
  return typeof given === "object" && given !== null && typeof Reflect.get(given, "get") === "function";
}

function checkedOptions(options: unknown): KeyvBackendOptions {
  if (typeof options !== "object" || options === null) {
    throw invalidConfig(
      "A KeyvBackend is made of a Keyv, a store or an object of options.",
      "Give `new Keyv(…)`, a store that Keyv takes, or { store, namespace, ttl }.",
    );
  }
  checkOptionNames("KeyvBackend", options, optionNames, BACKEND);
  return options;
}

function givenKeyv(keyv: unknown, namespace: unknown): Keyv {
  if (!isKeyv(keyv)) throw invalidConfig("`keyv` is not an instance of Keyv 6.", "Give a store as `store`.");
  if (namespace !== undefined) {
    throw invalidConfig("`namespace` cannot be set for a Keyv that was given.", "Give it to the Keyv.");
  }
  return keyv;
}

/** A Keyv of our own on that store. */
function keyvOn(store: unknown, namespace: unknown): Keyv {
  if (!isStore(store)) throw invalidConfig("`store` is not a store that Keyv takes.");
  // A Keyv as the store of another one would hide its failures. Keyv 5 has these two, as well.
  if ("stats" in store && "hooks" in store) {
    throw invalidConfig("`store` is a Keyv, or one of another version.", "Give an instance of Keyv 6 as `keyv`.");
  }
  if (namespace !== undefined && (typeof namespace !== "string" || namespace === "")) {
    throw invalidConfig("`namespace` must be a text that is not empty.");
  }
  checkNamespace(namespace);
  const present: unknown = Reflect.get(store, "namespace");
  if (namespace !== undefined && present !== undefined && present !== namespace) {
    throw invalidConfig(
      "The store has another namespace already, perhaps of another backend on it.",
      "A Keyv sets its namespace on its store: give each a store object of its own.",
    );
  }
  let keyv: Keyv;
  try {
    keyv = new Keyv({ store, ...(namespace !== undefined && { namespace }) });
  } catch (error) {
    throw invalidConfig("`store` is not a store that Keyv takes.", "See the cause.", error);
  }
  // Without a listener, an error that comes between two calls, of a lost connection say, would end the process.
  keyv.on("error", warn);
  return keyv;
}

/** To Redis, a namespace is a pattern when it goes through the keys: with brackets in it, some would not be found. */
function checkNamespace(namespace: string | undefined): void {
  if (namespace !== undefined && /[*?[\]\\]/.test(namespace)) {
    throw invalidConfig("A namespace may not have any of * ? [ ] and the backslash: to some stores it is a pattern.");
  }
}

function warn(error: unknown): void {
  warnOf(BACKEND)(`the store reported an error: ${shown(cleanCause(error, withoutQuotes))}`);
}
