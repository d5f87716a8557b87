import { type CallOptions, type MemoryBackend, supports } from "@deep-agent/core/adapter";
import { type KitRecord, recordsFrom } from "../kit-records.ts";

/** A method of a backend, as a call that takes only options. */
export type Call = readonly [method: string, call: (options?: CallOptions) => Promise<unknown>];

/** A method of a backend that takes a memory's id, as a call that takes the id and options. */
export type MemoryCall = readonly [method: string, call: (id: string, options?: CallOptions) => Promise<unknown>];

/** Every method of the backend that takes a memory's id; `delete` is the last one. */
export function memoryCallsOf(backend: MemoryBackend<KitRecord>): MemoryCall[] {
  const calls: MemoryCall[] = [
    ["load", (id, options) => backend.load(id, options)],
    ["save", (id, options) => backend.save(id, recordsFrom(9), options)],
  ];
  if (supports(backend, "log")) {
    calls.push(
      ["append", (id, options) => backend.append(id, recordsFrom(9), options)],
      ["read", (id, options) => backend.read(id, options)],
    );
  }
  if (supports(backend, "info")) calls.push(["info", (id, options) => backend.info(id, options)]);
  if (supports(backend, "expiry")) calls.push(["touch", (id, options) => backend.touch(id, options)]);
  calls.push(["delete", (id, options) => backend.delete(id, options)]);
  return calls;
}

/** Every method of the backend but `close`. Those that take a memory's id get `id`. */
export function callsOf(backend: MemoryBackend<KitRecord>, id = "m"): Call[] {
  const calls: Call[] = [["list", (options) => backend.list(options)]];
  if (supports(backend, "health")) calls.push(["ping", (options) => backend.ping(options)]);
  if (supports(backend, "catalogue")) calls.push(["recent", (options) => backend.recent({ limit: 5, ...options })]);
  for (const [method, call] of memoryCallsOf(backend)) calls.push([method, (options) => call(id, options)]);
  return calls;
}
