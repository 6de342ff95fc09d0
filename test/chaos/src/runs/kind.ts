import type { Consensus } from "./consensus.ts";

/** What a run's cluster is like. */
export interface Kind {
  readonly size: number;
  readonly consensus: Consensus;
}
