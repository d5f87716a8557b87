import type { Outcome } from "@deep-agent/core/adapter";

/** What servers say while they find out which of them is the master, or which one has a slot. */
const passing = /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|NOREPLICAS)\b/;

/** What the server answered instead of doing what it was asked to. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** What became of the rest of it. */
  readonly outcome: Outcome;
  /** The server that said it, where there are several. */
  readonly server: string | undefined;

  constructor(message: string, outcome: Outcome = "not-applied", server?: string) {
    super(message);
    this.outcome = outcome;
    this.server = server;
  }

  /** Whether it may soon be otherwise, where servers take each other's place. */
  get passes(): boolean {
    return passing.test(this.message);
  }
}
