/** A replica that stands for election, first without consequences (pre-vote, Ongaro's thesis §9.6), then in earnest. */

import { ballot } from "@holdfast/base";
import { isVoter, membersOf } from "../contract/membership.ts";
import type { VoteOutcome } from "../contract/quorum.ts";
import { voteOutcome } from "../contract/quorum.ts";
import type { ReplicaId } from "../contract/replica-id.ts";
import type { RaftCore } from "./raft-core.ts";

export class Candidacy {
  readonly #core: RaftCore;
  readonly #votes = new Map<ReplicaId, boolean>();

  constructor(core: RaftCore) {
    this.#core = core;
  }

  /** Counts each voter's first answer, and nobody else's. */
  count(from: ReplicaId, granted: boolean): VoteOutcome {
    const { membership } = this.#core;
    if (isVoter(membership, from) && !this.#votes.has(from)) this.#votes.set(from, granted);
    return voteOutcome(membership, this.#votes);
  }

  /** `transfer`: the leader asked for this election. */
  requestVotes(transfer: boolean): void {
    const core = this.#core;
    const { id: from, membership } = core;
    const { index: lastIndex, ballot: lastBallot } = core.log.last;
    for (const to of membersOf({ ...membership, learners: [] })) {
      if (to === from) continue;
      if (core.role === "pre-candidate") {
        const next = ballot(core.ballot + 1);
        core.send({ kind: "RequestPreVote", from, to, ballot: next, lastIndex, lastBallot });
      } else {
        const request = {
          kind: "RequestVote",
          from,
          to,
          ballot: core.ballot,
          lastIndex,
          lastBallot,
        } as const;
        // A candidate that forgot its term could lead twice in it.
        core.sendWhenDurable({ ...request, transfer });
      }
    }
  }
}
