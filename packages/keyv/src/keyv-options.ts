import { checkOptionNames, cleanCause, parseTtl, type Ttl, warnOf } from "@deep-agent/core/adapter";
import { detectKeyv, Keyv } from "keyv";
import { BACKEND, invalidConfig, shown, withoutQuotes } from "./keyv-error.ts";

/**
 * What Keyv accepts as a store: an adapter such as `KeyvSqlite`, a `Map`, or any object with these methods. They may
 * return promises.
 */
export interface KeyvStore {
  /** The value under the key; `undefined`: there is no such key. */
  get(key: string): unknown;
  /** Stores the value. The further arguments are what Keyv passes so that the value expires. */
  set(key: string, value: unknown, ...more: unknown[]): unknown;
  /** Removes the key, and answers whether it was there. */
  delete(key: string): unknown;
  /** Removes all keys. The backend never calls it. */
  clear(): unknown;
}

/** The options of a `KeyvBackend`. Either `keyv` or `store` is required. */
export interface KeyvBackendOptions {
  /**
   * A Keyv. The backend uses its store, namespace, TTL, serialization, compression and encryption. Give either this or
   * `store`.
   */
  keyv?: Keyv | undefined;
  /** A store. The backend makes a Keyv on it. Give either this or `keyv`. */
  store?: KeyvStore | undefined;
  /**
   * Separates the memories from other data in the store. Only with `store`. Must not contain `*`, `?`, `[`, `]` or a
   * backslash. Default: the namespace that the store has already, if any.
   */
  namespace?: string | undefined;
  /**
   * How long a memory lives after its last write: milliseconds, or text such as `"7d"`; `0` or `null`: for ever.
   * Default: the TTL of the Keyv.
   */
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
    throw invalidConfig("A KeyvBackend needs either a `keyv` or a `store`.", "Give one of them, not both.");
  }
  const used = keyv === undefined ? keyvOn(store, namespace) : givenKeyv(keyv, namespace);
  checkNamespace(used.namespace);
  return { keyv: used, ttl: ttl === undefined ? undefined : (parseTtl(ttl) ?? 0) };
}

/** Decides by the members of the object, because it may come from another copy of keyv. */
function isKeyv(given: unknown): given is Keyv {
  return detectKeyv(given).compatible;
}

/** Decides as Keyv does between a store and options. */
function isStore(given: unknown): given is KeyvStore {
  return typeof given === "object" && given !== null && typeof Reflect.get(given, "get") === "function";
}

function checkedOptions(options: unknown): KeyvBackendOptions {
  if (typeof options !== "object" || options === null) {
    throw invalidConfig(
      "A KeyvBackend takes a Keyv, a store or an object of options.",
      "Give `new Keyv(…)`, a store that Keyv accepts, or { store, namespace, ttl }.",
    );
  }
  checkOptionNames("KeyvBackend", options, optionNames, BACKEND);
  return options;
}

function givenKeyv(keyv: unknown, namespace: unknown): Keyv {
  if (!isKeyv(keyv))
    throw invalidConfig("`keyv` is not an instance of Keyv 6.", "If it is a store, give it as `store`.");
  if (namespace !== undefined) {
    throw invalidConfig("`namespace` cannot be combined with `keyv`.", "Set the namespace on the Keyv.");
  }
  return keyv;
}

/** Makes a Keyv on the store. */
function keyvOn(store: unknown, namespace: unknown): Keyv {
  if (!isStore(store)) throw invalidConfig("`store` is not a store that Keyv accepts.");
  // A Keyv that is the store of another Keyv would hide its failures. Keyv 5 has these two members, too.
  if ("stats" in store && "hooks" in store) {
    throw invalidConfig("`store` is a Keyv, perhaps of another version.", "Give an instance of Keyv 6 as `keyv`.");
  }
  if (namespace !== undefined && (typeof namespace !== "string" || namespace === "")) {
    throw invalidConfig("`namespace` must be a non-empty string.");
  }
  checkNamespace(namespace);
  const present: unknown = Reflect.get(store, "namespace");
  if (namespace !== undefined && present !== undefined && present !== namespace) {
    throw invalidConfig(
      "The store already has another namespace, perhaps set by another backend on it.",
      "A Keyv sets its namespace on its store: give each Keyv a store object of its own.",
    );
  }
  let keyv: Keyv;
  try {
    keyv = new Keyv({ store, ...(namespace !== undefined && { namespace }) });
  } catch (error) {
    throw invalidConfig("`store` is not a store that Keyv accepts.", "See the cause.", error);
  }
  // Without a listener, an error between two calls (a lost connection, for example) would end the process.
  keyv.on("error", warn);
  return keyv;
}

/**
 * The Redis store uses the namespace as a pattern when it lists keys. With brackets in it, some keys would not be
 * found.
 */
function checkNamespace(namespace: string | undefined): void {
  if (namespace !== undefined && /[*?[\]\\]/.test(namespace)) {
    throw invalidConfig("A namespace must not contain * ? [ ] or a backslash: some stores use it as a pattern.");
  }
}

function warn(error: unknown): void {
  warnOf(BACKEND)(`the store reported an error: ${shown(cleanCause(error, withoutQuotes))}`);
}
