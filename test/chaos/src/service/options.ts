/** What a process of the register service is told when it starts, as JSON. */

import type { GroupHostLimits } from "@holdfast/groups";

export interface ServiceOptions {
  /** From 0. */
  readonly node: number;
  readonly size: number;
  readonly consensus: "raft" | "multipaxos";
  /** Its data. */
  readonly folder: string;
  /** Folders of all nodes, in their order: each one says there which life its log has. */
  readonly folders: readonly string[];
  /** Where its key and certificate are; undefined: no security, on this machine alone. */
  readonly credentials: string | undefined;
  readonly clientPort: number;
  readonly nodePort: number;
  /** Where it reaches the others, in their order. */
  readonly peerPorts: readonly number[];
  readonly limits?: Partial<GroupHostLimits>;
}
