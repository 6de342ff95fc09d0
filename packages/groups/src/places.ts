/** Where the replicas of a group live. The caller knows it; a group's own log says only which replicas there are (S13). */

import type { NodeId } from "@holdfast/base";
import type { ReplicaId } from "@holdfast/consensus";

/**
 * A node under one incarnation of its log: one that lost its log is another place, and gets another replica number, so
 * that it never acts as the voter that it was (S11).
 */
export interface Place {
  readonly node: NodeId;
  /** `WriteAheadLog.incarnation` of that node. */
  readonly incarnation: string;
}

export type Places = ReadonlyMap<ReplicaId, Place>;
