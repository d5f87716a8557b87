import type { CarriedError } from "./carried-error.ts";

/** A call of a backend. The arguments are JSON. */
export interface Call {
  readonly method: string;
  readonly args: readonly unknown[];
}

/** How a call ended, and when it was made and settled ({@link moment}). */
export interface Ended<E = unknown> {
  readonly from: number;
  readonly to: number;
  /** What it resolved to. JSON. */
  readonly answer?: unknown;
  /** What it rejected with, which may be any value. Absent if it resolved: {@link isRejected}. */
  readonly error?: E;
}

export function isRejected(ended: Ended): boolean {
  return "error" in ended;
}

/** What the kit asks of the other process. */
export type Request =
  | { readonly id: number; readonly ask: "open"; readonly module: string; readonly args: readonly unknown[] }
  | {
      readonly id: number;
      readonly ask: "perform";
      readonly calls: readonly Call[];
      /** When the first call is made. */
      readonly at: number;
      /** The ms between the beginnings of two calls, at least. */
      readonly spacing: number;
      /** Whether each end is reported at once. Otherwise all are reported after the last one. */
      readonly eachAtOnce: boolean;
    }
  | { readonly id: number; readonly ask: "close" };

/** What the other process answers. */
export type Reply =
  | { readonly id: number; readonly about: "opened"; readonly methods: readonly string[] }
  | { readonly id: number; readonly about: "ended"; readonly ended: readonly Ended<CarriedError>[] }
  | { readonly id: number; readonly about: "closed" }
  /** The request could not be done at all. */
  | { readonly id: number; readonly about: "problem"; readonly problem: string };
