import type { ClusterFault } from "@holdfast/simulator";

/** A known bug, as a change of the real sources, and what has to notice it. */
export interface Mutant {
  /** Row of the bug matrix, or rule, such as "2" or "S10". */
  readonly row: string;
  /** The bug in a sentence. */
  readonly bug: string;
  /** From the root of the checkout. */
  readonly file: string;
  readonly edits: readonly Edit[];
  readonly detector: Detector;
}

/** `find` stands in the file exactly once: a patch that does not apply any more fails the run. */
export interface Edit {
  readonly find: string;
  readonly replace: string;
}

export type Detector =
  /** Seeds of the group simulator, until one fails. */
  | {
      readonly kind: "group";
      readonly consensus: "raft" | "multipaxos";
      readonly seedsMax: number;
      readonly ticks: number;
    }
  /** Seeds of whole clusters, until one fails; with this fault alone, if one is named. */
  | {
      readonly kind: "cluster";
      readonly firstSeed: number;
      readonly seedsMax: number;
      readonly fault?: ClusterFault;
    }
  /** Test files, from the root; one of their tests has to fail. */
  | { readonly kind: "tests"; readonly files: readonly string[] };

export const groupSeeds: Detector = { kind: "group", consensus: "raft", seedsMax: 600, ticks: 2000 };
export const multiPaxosSeeds: Detector = { ...groupSeeds, consensus: "multipaxos" };

export const clusterSeeds: Detector = { kind: "cluster", firstSeed: 1, seedsMax: 40 };

/** A row of the matrix that no mutation can stand for here, and why. */
export interface Exemption {
  readonly row: string;
  readonly reason: string;
}
