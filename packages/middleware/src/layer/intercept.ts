import { type AppendOptions, type CallOptions, checkOptions, checkRecent } from "@deep-agent/core/adapter";
import { type AnyBackend, type KnownMethod, layered, type SameCapabilities, whole } from "./layer.ts";

/** A call of a backend, on its way. */
export interface BackendCall {
  method: Exclude<KnownMethod, typeof Symbol.asyncDispose>;
  /** Of a call about one memory. Not checked yet. */
  memoryId?: string;
  /** Of a call that writes some. Not checked yet, and the caller's own. */
  records?: readonly object[];
  options: CallOptions & AppendOptions;
}

/** Makes the call, with what is to be different in its options, and with other records. */
export type Proceed<R> = (changes: AppendOptions, records?: readonly object[]) => Promise<R>;

/** Whether a call changes what is stored, so that it matters whether one that failed was made. */
export function writes({ method }: BackendCall): boolean {
  return method === "save" || method === "delete" || method === "append";
}

/** Puts `wrap` around every call of the backend. Invalid options reject before it. */
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
    return wrap({ ...subject, options }, (changes, others) => run({ ...options, ...changes }, others));
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
