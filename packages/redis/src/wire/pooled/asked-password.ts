import type { PasswordFunction } from "../../options/redis-options.ts";
import { ConnectionFailed } from "../failures.ts";

/** The password of one connection, which a function may have to give first. */
export class AskedPassword {
  readonly #password: string | PasswordFunction | undefined;
  readonly #timeoutMs: number;
  readonly #givenUp = new AbortController();
  #isPending = false;
  #value: string | undefined;

  /** `timeoutMs`: how long the function may take. */
  constructor(password: string | PasswordFunction | undefined, timeoutMs: number) {
    this.#password = password;
    this.#timeoutMs = timeoutMs;
  }

  /** Whether a function was asked and has not answered yet. */
  get isPending(): boolean {
    return this.#isPending;
  }

  /** Whether another connection may have another password. */
  get mayChange(): boolean {
    return typeof this.#password === "function";
  }

  /** Resolves to `""` if there is no password. Rejects with {@link ConnectionFailed}. */
  async get(): Promise<string> {
    this.#value = typeof this.#password === "function" ? await this.#ask(this.#password) : this.#password;
    return this.#value ?? "";
  }

  /** The text without the password. */
  removedFrom(text: string): string {
    return this.#value ? text.replaceAll(this.#value, "***") : text;
  }

  /** Tells the function that its answer is not needed any more. */
  giveUp(): void {
    this.#givenUp.abort(new Error("The connection was given up."));
  }

  async #ask(password: PasswordFunction): Promise<string> {
    const { promise: overdue, reject } = Promise.withResolvers<never>();
    const late = new Error(`It has not answered within ${this.#timeoutMs} ms.`);
    const timer = setTimeout(() => reject(late), this.#timeoutMs);
    timer.unref(); // the calls that wait have timers of their own
    const { signal } = this.#givenUp;
    signal.addEventListener("abort", () => reject(signal.reason));
    this.#isPending = true;
    try {
      const given = await Promise.race([overdue, asked(password, signal)]);
      if (typeof given === "string") return given;
      throw new TypeError(`It gave ${given === null ? "null" : `a value of type ${typeof given}`}.`);
    } catch (cause) {
      throw new ConnectionFailed("password", "the function `password` gave no password", { cause });
    } finally {
      this.#isPending = false;
      clearTimeout(timer);
    }
  }
}

/** What the function gives. Rejects as well if the function throws. */
async function asked(password: PasswordFunction, signal: AbortSignal): Promise<unknown> {
  return password({ signal });
}
