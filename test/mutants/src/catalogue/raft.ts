/**
 * Bugs of Raft implementations; rows as in docs/internals/bug-matrix.md.
 *
 * Two bugs that one might expect here do no harm, so that nothing could catch them:
 *   - A change that begins before the one before it is committed (row 1). With joint consensus the latter is either joint,
 *     and refused as such, or the end of a joint one that is committed: whoever wins an election has a majority of the
 *     same voters. Without it, two changes in one step could have disjoint majorities; the mutants of row 1 do that.
 *   - A candidate that counts its own vote before it is durable (row 10). Its requests travel with that very write, so
 *     no other vote comes before; alone in its group, its entries are written behind the vote.
 */

import type { Detector, Mutant } from "../mutant.ts";
import { groupSeeds } from "../mutant.ts";

const scripted: Detector = {
  kind: "tests",
  files: [
    "packages/simulator/src/group/disruption.test.ts",
    "packages/simulator/src/group/raft-disruption.test.ts",
  ],
};

const raft = (file: string): string => `packages/consensus/src/${file}`;

export const raftMutants: readonly Mutant[] = [
  {
    row: "1",
    bug: "voters change in one step, without a joint phase",
    file: raft("contract/membership.ts"),
    edits: [{ find: "outgoing: sameVoters ? [] : current.voters", replace: "outgoing: []" }],
    detector: groupSeeds,
  },
  {
    row: "1",
    bug: "a joint membership is left before it is committed",
    file: raft("replica/leader.ts"),
    edits: [
      {
        find: 'return proposed(this.append("membership", encodeMembership(next)));',
        replace:
          'const entry = this.append("membership", encodeMembership(next));\n' +
          'if (isJoint(next)) this.append("membership", encodeMembership({ ...next, outgoing: [] }));\n' +
          "return proposed(entry);",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "2",
    bug: "an entry of an earlier term is committed by counting",
    file: raft("raft/leading.ts"),
    edits: [{ find: " || reached < this.#firstOwnIndex) return;", replace: ") return;" }],
    detector: groupSeeds,
  },
  {
    row: "3",
    bug: "a new leader serves reads before it has committed anything",
    file: raft("raft/leading.ts"),
    edits: [
      {
        find: "return this.#hasCommitted() ? this.#core.commitIndex : undefined;",
        replace: "return this.#core.commitIndex;",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "4",
    bug: "a read is confirmed by a heartbeat that was sent before it",
    file: raft("replica/read-barriers.ts"),
    edits: [{ find: "round: this.#round + 1 });", replace: "round: this.#round });" }],
    detector: groupSeeds,
  },
  {
    row: "4",
    bug: "a leader answers a read without asking anybody",
    file: raft("replica/followers.ts"),
    edits: [
      {
        find: "this.#barriers.confirm(quorumValue(membership, this.#roundOf))",
        replace: "this.#barriers.confirm(this.#barriers.round)",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "5",
    bug: "a leader that hears nobody leads on",
    file: raft("replica/leader.ts"),
    edits: [
      {
        find: "if (!this.group.checkQuorum()) return this.stepDown();",
        replace: "",
      },
    ],
    detector: scripted,
  },
  {
    row: "6",
    bug: "a replica that comes back stands for election without asking first (no pre-vote)",
    file: raft("raft/election.ts"),
    edits: [{ find: 'this.#stand("pre-candidate", false);', replace: 'this.#stand("candidate", false);' }],
    detector: scripted,
  },
  {
    row: "6",
    bug: "a voter listens to a candidate while its leader is alive",
    file: raft("raft/election.ts"),
    edits: [{ find: "return transfer || !this.#trustsLeader;", replace: "return transfer || !transfer;" }],
    detector: scripted,
  },
  {
    row: "7",
    bug: "a leader of an earlier term is never told of the later one",
    file: raft("raft/raft.ts"),
    edits: [{ find: 'if (kind === "Heartbeat" || kind === "AppendEntries")', replace: "if (to === from)" }],
    detector: groupSeeds,
  },
  {
    row: "7",
    bug: "a refused pre-vote does not tell of the later term (long log in an early term, short log in a late one)",
    file: raft("raft/election.ts"),
    edits: [
      {
        find: "if (message.ballot > core.ballot && this.#trustsLeader) return;",
        replace: "if (message.ballot <= core.ballot || this.#trustsLeader) return;",
      },
    ],
    detector: scripted,
  },
  {
    row: "8",
    bug: "a late message cuts off entries that agree",
    file: raft("raft/following.ts"),
    edits: [{ find: "return found < 0 ? entries.length : found;", replace: "return 0;" }],
    detector: groupSeeds,
  },
  {
    row: "9",
    bug: "a candidate needs only one of a later last term and a longer log",
    file: raft("raft/election.ts"),
    edits: [
      {
        find: "a.ballot > b.ballot || (a.ballot === b.ballot && a.index >= b.index)",
        replace: "a.ballot >= b.ballot || a.index >= b.index",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "10",
    bug: "a vote is sent before it is durable",
    file: raft("raft/election.ts"),
    edits: [
      {
        find: "core.vote(to);\n    core.sendWhenDurable(reply);",
        replace: "core.vote(to);\n    core.send(reply);",
      },
    ],
    detector: scripted,
  },
  {
    row: "10",
    bug: "a candidate's term is written without its vote for itself",
    file: raft("raft/raft-core.ts"),
    edits: [
      {
        find: "this.#enterBallot(ballot(this.ballot + 1), this.id);",
        replace: "{ this.#enterBallot(ballot(this.ballot + 1), undefined); this.votedFor = this.id; }",
      },
    ],
    detector: scripted,
  },
  {
    row: "11",
    bug: "entries are acknowledged before they are durable",
    file: raft("raft/following.ts"),
    edits: [{ find: "core.sendWhenDurable({ kind", replace: "core.send({ kind" }],
    detector: groupSeeds,
  },
  {
    row: "11",
    bug: "entries that come again are acknowledged while the first write is still under way",
    file: raft("log/write-queue.ts"),
    edits: [{ find: "this.#inFlight.length === 0 &&\n", replace: "\n" }],
    detector: groupSeeds,
  },
  {
    row: "13",
    bug: "a write that was overtaken proves the entries that replaced its own (ABA)",
    file: raft("log/write-queue.ts"),
    edits: [
      {
        find: "for (const write of this.#inFlight) if (write.through > last) write.through = last;",
        replace: "",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "15",
    bug: "a leader counts its own copy before it is durable",
    file: raft("raft/leading.ts"),
    edits: [
      {
        find: "this.group.quorumMatchIndex(core.writes.durableIndex)",
        replace: "this.group.quorumMatchIndex(core.log.lastIndex)",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "16",
    bug: "a membership that is cut off the log stays in force",
    file: raft("raft/raft-core.ts"),
    edits: [{ find: "this.memberships.truncate(from);", replace: "" }],
    detector: groupSeeds,
  },
  {
    row: "16",
    bug: "a restart forgets memberships that are in the log and not applied",
    file: raft("raft/raft-core.ts"),
    edits: [
      {
        find: "for (const entry of entries) this.#onAppended(entry);\n    this.forwardedReads",
        replace: "this.forwardedReads",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "17",
    bug: "a joint membership needs a quorum of the incoming voters alone",
    file: raft("contract/quorum.ts"),
    edits: [
      { find: "return outgoing.length === 0 ? reached", replace: "return outgoing.length >= 0 ? reached" },
    ],
    detector: groupSeeds,
  },
  {
    row: "17",
    bug: "a joint membership elects by a quorum of the incoming voters alone",
    file: raft("contract/quorum.ts"),
    edits: [
      {
        find: "(outgoing.length === 0 || majorityHolds(outgoing, holds))",
        replace: "(outgoing.length >= 0)",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "18",
    bug: "learners stand for election",
    file: raft("raft/raft-core.ts"),
    edits: [
      {
        find: "this.memberships.all.some(({ membership }) => isVoter(membership, this.id))",
        replace: "this.memberships.all.some(() => isVoter(this.membership, this.id) || true)",
      },
    ],
    detector: scripted,
  },
  {
    row: "18",
    bug: "a leader that removes itself may not stand again before that is committed, while only its like hold the entry",
    file: raft("raft/raft-core.ts"),
    edits: [
      {
        find: "this.memberships.all.some(({ membership }) => isVoter(membership, this.id))",
        replace: "isVoter(this.membership, this.id)",
      },
    ],
    detector: scripted,
  },
  {
    row: "18",
    bug: "a learner's acknowledgement counts",
    file: raft("contract/quorum.ts"),
    edits: [
      {
        find: "const reached = majorityValue(voters, valueOf);",
        replace: "const reached = majorityValue([...voters, ...learners], valueOf);",
      },
      {
        find: "quorumValue({ voters, outgoing }: Membership",
        replace: "quorumValue({ voters, outgoing, learners }: Membership",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "18",
    bug: "leadership is handed to a replica that is no voter",
    file: raft("replica/leader.ts"),
    edits: [
      { find: "if (to === state.id || !isVoter(state.membership, to))", replace: "if (to === state.id)" },
    ],
    detector: scripted,
  },
  {
    row: "19",
    bug: "entries that were to be applied are applied on top of a snapshot that holds them",
    file: raft("replica/replica-state.ts"),
    edits: [
      {
        find: "this.commitIndex = snapshot.index;\n    this.#handedIndex = snapshot.index;",
        replace: "this.commitIndex = snapshot.index;",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "19",
    bug: "a snapshot that is older than the log replaces it",
    file: raft("raft/following.ts"),
    edits: [
      {
        find: "if (core.log.ballotAt(index) === ballot) core.commitTo(index);\n    else core.install",
        replace: "core.install",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "20",
    bug: "a follower takes entries that do not join on to its log",
    file: raft("raft/following.ts"),
    edits: [
      {
        find: "if (core.log.ballotAt(previousIndex) !== previousBallot) return this.#reject(message);",
        replace: "if (core.log.lastIndex < previousIndex) return this.#reject(message);",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "21",
    bug: "a leader goes on trusting acknowledgements of a follower that lost its log's end",
    file: raft("raft/following.ts"),
    edits: [{ find: "lost: core.lost !== undefined,", replace: "lost: false," }],
    detector: groupSeeds,
  },
  {
    row: "22",
    bug: "a leader that steps down leaves its read barriers unanswered",
    file: raft("raft/leading.ts"),
    edits: [
      {
        find: "core.becomeLeader(() => this.group.abandon());",
        replace: "core.becomeLeader(() => undefined);",
      },
    ],
    detector: scripted,
  },
  {
    row: "27",
    bug: "proposals without end are taken while nothing is committed",
    file: raft("replica/leader.ts"),
    edits: [
      {
        find: "if (this.#uncommittedBytes > 0 && this.#unc",
        replace: "if (this.#uncommittedBytes < 0 && this.#unc",
      },
    ],
    detector: scripted,
  },
  {
    row: "27",
    bug: "the place of a message that was acknowledged is not free again",
    file: raft("replica/follower-progress.ts"),
    edits: [
      {
        find: "if (oldest.lastIndex > this.#matchIndex) return;",
        replace: "if (oldest.lastIndex > 0) return;",
      },
    ],
    detector: scripted,
  },
  {
    row: "S9",
    bug: "an entry is applied before it is durable in the replica's own log",
    file: raft("replica/replica-state.ts"),
    edits: [
      {
        find: "return logIndex(Math.min(this.commitIndex, this.writes.durableIndex));",
        replace: "return this.commitIndex;",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "S10",
    bug: "a replica that lost entries votes for a log without them",
    file: raft("raft/election.ts"),
    edits: [
      {
        find: "&& (lost === undefined || isAtLeast(candidate, lost))",
        replace: "&& (lost === undefined || true)",
      },
    ],
    detector: scripted,
  },
  {
    row: "S10",
    bug: "a follower that lost entries says nothing as long as nothing new comes",
    file: raft("raft/following.ts"),
    edits: [
      {
        find: "if (core.lost !== undefined && commitIndex > core.log.lastIndex)",
        replace: "if (core.lost !== undefined && commitIndex < 0)",
      },
    ],
    detector: scripted,
  },
  {
    row: "S13",
    bug: "a group may have an even number of voters",
    file: raft("contract/membership.ts"),
    edits: [{ find: "if (voters.length % 2 === 0) return", replace: "if (voters.length === 0) return" }],
    detector: scripted,
  },
];
