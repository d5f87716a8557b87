import { crc32 } from "node:zlib";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Random choices from a seed: the same choices each time. */
export class Random {
  readonly #generator: ReturnType<typeof xoroshiro128plus>;

  /** Each purpose has its own choices, however many the other purposes take. */
  constructor(seed: number, purpose: string) {
    this.#generator = xoroshiro128plus(seed ^ crc32(purpose));
  }

  /** A number in [0, 1). */
  next(): number {
    return uniformFloat64(this.#generator);
  }

  /** An integer in [0, bound). */
  below(bound: number): number {
    return uniformInt(this.#generator, 0, bound - 1);
  }

  /** An integer in [from, to]. */
  between(from: number, to: number): number {
    return uniformInt(this.#generator, from, to);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T; // within the array's bounds
  }
}
