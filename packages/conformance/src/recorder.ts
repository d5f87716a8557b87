import { inspect } from "node:util";
import type { AnyBackend } from "./target.ts";

/** How many calls are kept from the beginning and from the end of a test. */
const KEPT_FIRST = 12;
const KEPT_LAST = 24;

/** Records the calls of a test as a program that repeats them. A report prints it for a broken promise. */
export class Recorder {
  #first: Call[] = [];
  #last: Call[] = [];
  #dropped = 0;
  readonly #remarks: string[] = [];

  /** Records a call. The caller adds the answer when it is known. */
  call(name: string, args: readonly unknown[]): Call {
    const call = new Call(`${name}(${args.map(shown).join(", ")})`);
    if (this.#first.length < KEPT_FIRST) {
      this.#first.push(call);
    } else {
      this.#last.push(call);
      if (this.#last.length > KEPT_LAST) {
        this.#last.shift();
        this.#dropped += 1;
      }
    }
    return call;
  }

  clear(): void {
    this.#first = [];
    this.#last = [];
    this.#dropped = 0;
  }

  /** Adds a remark: a comment after the program. */
  remark(text: string): void {
    this.#remarks.push(text);
  }

  get remarks(): readonly string[] {
    return this.#remarks;
  }

  /** The lines of the program. */
  get lines(): string[] {
    const left = this.#dropped === 0 ? [] : [`// … and ${this.#dropped} more calls`];
    return [
      ...this.#first.map(String),
      ...left,
      ...this.#last.map(String),
      ...this.#remarks.map((text) => `// ${text}`),
    ];
  }
}

/** One call of a backend, and how it ended. */
class Call {
  readonly #text: string;
  #end = "not settled";

  constructor(text: string) {
    this.#text = text;
  }

  resolved(value: unknown): void {
    this.#end = shown(value);
  }

  rejected(error: unknown): void {
    const { code } = (error ?? {}) as { code?: unknown };
    this.#end = `rejects: ${typeof code === "string" ? code : String(error).slice(0, 100)}`;
  }

  toString(): string {
    return `await ${this.#text}; // ${this.#end}`;
  }
}

/** The backend, with every call recorded. */
export function recorded(backend: AnyBackend, recorder: Recorder, name = "backend"): AnyBackend {
  const wrappers = new Map<unknown, unknown>();
  // The target is an empty object: a proxy of a frozen object could not return other values than that object's.
  return new Proxy(Object.create(null) as AnyBackend, {
    has: (_nothing, property) => Reflect.has(backend, property),
    get(_nothing, property) {
      const value: unknown = Reflect.get(backend, property, backend);
      if (typeof value !== "function") return value;
      const wrapper = wrappers.get(value) ?? wrapped(backend, property, value as (...args: unknown[]) => unknown);
      wrappers.set(value, wrapper);
      return wrapper;
    },
  });

  function wrapped(target: AnyBackend, property: string | symbol, method: (...args: unknown[]) => unknown) {
    const callee = `${name}${typeof property === "symbol" ? `[${property.description}]` : `.${property}`}`;
    return (...args: unknown[]): unknown => {
      const call = recorder.call(callee, args);
      try {
        const answer = Reflect.apply(method, target, args);
        if (!isThenable(answer)) {
          call.resolved(answer);
          return answer;
        }
        // An extra listener: the caller still gets the rejection.
        answer.then(
          (value) => call.resolved(value),
          (error: unknown) => call.rejected(error),
        );
        return answer;
      } catch (error) {
        call.rejected(error);
        throw error;
      }
    };
  }
}

/** Test runners have realms of their own, so `instanceof Promise` would fail. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

function shown(value: unknown): string {
  return inspect(value, {
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
    depth: 4,
    maxArrayLength: 6,
    maxStringLength: 40,
  });
}
