import { type AppendOptions, type CallOptions, checkOptions, checkRecent } from "@deep-agent/core/adapter";
import { type AnyBackend, type KnownMethod, layered, type SameCapabilities, whole } from "./layer.ts";

/** A call of a backend, before it is made. */
export interface BackendCall {
  method: Exclude<KnownMethod, typeof Symbol.asyncDispose>;
  /** Only for a call about one memory. Not checked yet. */
  memoryId?: string;
  /** Only for a call that writes records. Not checked yet, and still the caller's own objects. */
  records?: readonly object[];
  options: CallOptions & AppendOptions;
}

/** Makes the call with these options changed, and with other records if there are any. */
export type Proceed<R> = (changes: AppendOptions, records?: readonly object[]) => Promise<R>;

/** Whether a call changes what is stored. If so, it matters whether a failed call was made all the same. */
export function writes({ method }: BackendCall): boolean {
  return method === "save" || method === "delete" || method === "append" || method === "touch";
}

/** Puts `wrap` around every call of the backend. A call with invalid options rejects before it reaches `wrap`. */
export function intercept<B extends AnyBackend>(
  backend: B,
  wrap: <R>(call: BackendCall, proceed: Proceed<R>) => Promise<R>,
): SameCapabilities<B> {
  const inner = whole(backend);
  async function wrapped<R, O extends CallOptions>(
    subject: Omit<BackendCall, "options">,
    options: O,
    run: (options: O, records: readonly object[] | undefined) => Promise<R>,
  ): Promise<R> {
    checkOptions(options);
    const own = { ...options }; // the caller may change its options between two attempts
    return wrap({ ...subject, options: own }, (changes, others) => run({ ...own, ...changes }, others));
  }
  const close = (): Promise<void> => wrap({ method: "close", options: {} }, () => inner.close());
  return layered(backend, [], {
    load: (memoryId, options = {}) =>
      wrapped({ method: "load", memoryId }, options, (now) => inner.load(memoryId, now)),
    save: (memoryId, records, options = {}) =>
      wrapped({ method: "save", memoryId, records }, options, (now, others = records) =>
        inner.save(memoryId, others, now),
      ),
    delete: (memoryId, options = {}) =>
      wrapped({ method: "delete", memoryId }, options, (now) => inner.delete(memoryId, now)),
    list: (options = {}) => wrapped({ method: "list" }, options, (now) => inner.list(now)),
    append: (memoryId, records, options = {}) =>
      wrapped({ method: "append", memoryId, records }, options, (now, others = records) =>
        inner.append(memoryId, others, now),
      ),
    read: (memoryId, options = {}) =>
      wrapped({ method: "read", memoryId }, options, (now) => inner.read(memoryId, now)),
    ping: (options = {}) => wrapped({ method: "ping" }, options, (now) => inner.ping(now)),
    info: (memoryId, options = {}) =>
      wrapped({ method: "info", memoryId }, options, (now) => inner.info(memoryId, now)),
    async recent(options) {
      checkRecent(options);
      return wrapped({ method: "recent" }, options, (now) => inner.recent(now));
    },
    touch: (memoryId, options = {}) =>
      wrapped({ method: "touch", memoryId }, options, (now) => inner.touch(memoryId, now)),
    close,
    [Symbol.asyncDispose]: close,
  });
}
