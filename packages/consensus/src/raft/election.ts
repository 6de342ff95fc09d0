/** Who leads: campaigns, votes and pre-votes (Raft §5.2, §5.4.1; Ongaro's thesis §4.2.3, §9.6). */

import type { LogPosition } from "../contract/entry.ts";
import type { VoteOutcome } from "../contract/quorum.ts";
import { Candidacy } from "./candidacy.ts";
import type {
  RequestPreVote,
  RequestPreVoteReply,
  RequestVote,
  RequestVoteReply,
  TimeoutNow,
} from "./messages.ts";
import type { RaftCore } from "./raft-core.ts";

export class Election {
  readonly #core: RaftCore;
  readonly #lead: () => void;
  /** Means something to a candidate and pre-candidate. */
  #candidacy: Candidacy;

  /** `lead` is called when an election is won. */
  constructor(core: RaftCore, lead: () => void) {
    this.#core = core;
    this.#lead = lead;
    this.#candidacy = new Candidacy(core);
  }

  /** Stands for a pre-vote, then for the vote. */
  campaign(): void {
    const core = this.#core;
    if (core.role === "leader" || !core.isPromotable) return;
    this.#stand("pre-candidate", false);
    this.#onOutcome(this.#candidacy.count(core.id, true));
  }

  /** The leader handed over: no pre-vote, its followers expect nothing else. */
  onTimeoutNow(message: TimeoutNow): void {
    const core = this.#core;
    if (message.ballot !== core.ballot || message.from !== core.leader) return;
    if (core.isPromotable) this.#stand("candidate", true);
  }

  /** Changes nothing here: a voter says what it would do. */
  onRequestPreVote(message: RequestPreVote): void {
    const core = this.#core;
    if (message.ballot > core.ballot && this.#trustsLeader) return;
    const granted = message.ballot > core.ballot && this.#isUpToDate(message);
    const { id: from } = core;
    const ballot = granted ? message.ballot : core.ballot;
    core.send({ kind: "RequestPreVoteReply", from, to: message.from, ballot, granted });
  }

  onRequestPreVoteReply({ from, granted, ballot }: RequestPreVoteReply): void {
    const core = this.#core;
    if (core.role !== "pre-candidate") return;
    // An answer to an earlier candidacy.
    if (granted && ballot !== core.ballot + 1) return;
    this.#onOutcome(this.#candidacy.count(from, granted));
  }

  /** True when a request in a later term may be looked at: a leader that is alive must not be disturbed (§4.2.3). */
  mayDisturb({ transfer }: RequestVote): boolean {
    return transfer || !this.#trustsLeader;
  }

  /** The term is the replica's own by now. */
  onRequestVote(message: RequestVote): void {
    const core = this.#core;
    const { from: to } = message;
    const isFree = core.votedFor === to || (core.votedFor === undefined && core.leader === undefined);
    const granted = isFree && this.#isUpToDate(message);
    const reply = { kind: "RequestVoteReply", from: core.id, to, ballot: core.ballot, granted } as const;
    if (!granted) return core.send(reply);
    core.vote(to);
    core.sendWhenDurable(reply);
  }

  onRequestVoteReply({ from, granted }: RequestVoteReply): void {
    if (this.#core.role === "candidate") this.#onOutcome(this.#candidacy.count(from, granted));
  }

  /** A candidate's own vote counts once it cannot be forgotten. */
  onWritten(): void {
    const { role, writes, id } = this.#core;
    if (role !== "candidate" || !writes.hardStateIsDurable) return;
    this.#onOutcome(this.#candidacy.count(id, true));
  }

  #stand(role: "pre-candidate" | "candidate", transfer: boolean): void {
    this.#core.becomeCandidate(role);
    this.#candidacy = new Candidacy(this.#core);
    this.#candidacy.requestVotes(transfer);
  }

  #onOutcome(outcome: VoteOutcome): void {
    const core = this.#core;
    switch (outcome) {
      case "open":
        return;
      case "lost":
        return core.becomeFollower(core.ballot, undefined);
      case "won":
        if (core.role === "candidate") return this.#lead();
        // It may have applied its own removal since it asked.
        return core.isPromotable
          ? this.#stand("candidate", false)
          : core.becomeFollower(core.ballot, undefined);
    }
  }

  /** It heard of a leader within the shortest election timeout; a leader itself checks its quorum as often. */
  get #trustsLeader(): boolean {
    const { leader, electionElapsed, limits } = this.#core;
    return leader !== undefined && electionElapsed < limits.electionTicks;
  }

  /** Raft §5.4.1: later ballot first, then the longer log. S10: what this replica lost counts as if it had it. */
  #isUpToDate({ lastIndex, lastBallot }: RequestVote | RequestPreVote): boolean {
    const { log, lost } = this.#core;
    const candidate: LogPosition = { index: lastIndex, ballot: lastBallot };
    return isAtLeast(candidate, log.last) && (lost === undefined || isAtLeast(candidate, lost));
  }
}

function isAtLeast(a: LogPosition, b: LogPosition): boolean {
  return a.ballot > b.ballot || (a.ballot === b.ballot && a.index >= b.index);
}
