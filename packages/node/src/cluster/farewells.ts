/**
 * A node that was removed is let out of the system group when it knows of it: outside it would never hear, and wait for ever for
 * others that have forgotten it. One that seems dead is waited for as long as a connection takes to be made anew, and none for long.
 */

import type { LogIndex, NodeId } from "@holdfast/base";
import type { ReplicaId } from "@holdfast/consensus";
import { membersOf, replicaId } from "@holdfast/consensus";
import type { Clock, Timer } from "@holdfast/ports";
import type { GroupMove, GroupView } from "./group-move.ts";

export interface FarewellsParts {
  readonly clock: Clock;
  /** Whether the node was heard of lately. */
  readonly isLive: (node: NodeId) => boolean;
  /** Resolves when the node has applied this entry of the system group, or `signal` is aborted. */
  readonly nodeKnows: (node: NodeId, index: LogIndex, signal: AbortSignal) => Promise<void>;
}

/** Of a node that lives. Meanwhile the system group's members stay as they are. */
const waitMsMax = 10_000;
/** Of one that is not heard of: a connection may just have ended. */
const silentMsMax = 2000;

interface Farewell {
  readonly givenUp: AbortController;
  readonly timer: Timer;
  /** When the node was last seen to live, or the farewell began. */
  heardOfMs: number;
  isSaid: boolean;
}

export class Farewells {
  readonly #parts: FarewellsParts;
  readonly #underWay = new Map<NodeId, Farewell>();

  constructor(parts: FarewellsParts) {
    this.#parts = parts;
  }

  /**
   * Whether each of these nodes knows of the entry, by which it was removed, or is not waited for any longer. They are asked from
   * the first call on; who is not named any more is forgotten.
   */
  areSaid(nodes: readonly NodeId[], index: LogIndex): boolean {
    for (const node of this.#underWay.keys()) if (!nodes.includes(node)) this.#end(node);
    return nodes.filter((node) => !this.#isSaid(node, index)).length === 0;
  }

  stop(): void {
    for (const node of this.#underWay.keys()) this.#end(node);
  }

  #isSaid(node: NodeId, index: LogIndex): boolean {
    const { clock, isLive } = this.#parts;
    const farewell = this.#underWay.get(node) ?? this.#begin(node, index);
    const nowMs = clock.monotonicMs();
    if (isLive(node)) farewell.heardOfMs = nowMs;
    return farewell.isSaid || nowMs - farewell.heardOfMs >= silentMsMax;
  }

  #begin(node: NodeId, index: LogIndex): Farewell {
    const { clock, nodeKnows } = this.#parts;
    const givenUp = new AbortController();
    const timer = clock.after(waitMsMax, () => givenUp.abort());
    const farewell: Farewell = { givenUp, timer, heardOfMs: clock.monotonicMs(), isSaid: false };
    this.#underWay.set(node, farewell);
    void nodeKnows(node, index, givenUp.signal).then(() => {
      timer.cancel();
      farewell.isSaid = true;
    });
    return farewell;
  }

  #end(node: NodeId): void {
    const farewell = this.#underWay.get(node);
    farewell?.timer.cancel();
    farewell?.givenUp.abort();
    this.#underWay.delete(node);
  }
}

/** Nodes that the cluster knows no more, and that are in the group until this move. */
export function nodesLetGo(move: GroupMove, { status, record, lifeOf }: GroupView): readonly NodeId[] {
  if (move.kind !== "change") return [];
  const { voters, learners } = move.target;
  const leaves = (id: ReplicaId): boolean => !voters.includes(id) && !learners.includes(id);
  const leaving = membersOf(status.membership).filter(leaves);
  return record.places
    .filter(({ replica, node }) => leaving.includes(replicaId(replica)) && lifeOf(node) === undefined)
    .map(({ node }) => node);
}
