/** Bugs of Raft implementations; rows as in docs/internals/bug-matrix.md. */

import type { Mutant } from "../mutant.ts";
import { groupSeeds } from "../mutant.ts";

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
    bug: "a change begins before the one before it is committed",
    file: raft("raft/leading.ts"),
    edits: [
      {
        find: "if (isJoint(membership) || !this.#membershipIsCommitted) return",
        replace: "if (isJoint(membership)) return",
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
        find: "this.#barriers.add(reader, this.#hasCommitted ? this.#core.commitIndex : undefined)",
        replace: "this.#barriers.add(reader, this.#core.commitIndex)",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "4",
    bug: "a read is confirmed by a heartbeat that was sent before it",
    file: raft("raft/read-barriers.ts"),
    edits: [{ find: "round: this.#round + 1 });", replace: "round: this.#round });" }],
    detector: groupSeeds,
  },
  {
    row: "4",
    bug: "a leader answers a read without asking anybody",
    file: raft("raft/leading.ts"),
    edits: [
      {
        find: "this.#barriers.confirm(quorumValue(core.membership, this.#roundOf))",
        replace: "this.#barriers.confirm(this.#barriers.round)",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "7",
    bug: "a leader of an earlier term is never told of the later one",
    file: raft("raft/raft.ts"),
    edits: [{ find: 'if (kind === "Heartbeat" || kind === "AppendEntries")', replace: "if (to === from)" }],
    detector: groupSeeds,
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
    detector: groupSeeds,
  },
  {
    row: "10",
    bug: "a candidate counts its own vote before it is durable",
    file: raft("raft/election.ts"),
    edits: [
      { find: '!== "candidate" || !writes.hardStateIsDurable) return;', replace: '!== "candidate") return;' },
    ],
    detector: groupSeeds,
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
        find: "id === this.#core.id ? this.#core.writes.durableIndex",
        replace: "id === this.#core.id ? this.#core.log.lastIndex",
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
        find: 'if (entry.kind === "membership") this.memberships.append(entry.index, decodeMembership(entry.payload));\n    this.forwardedReads',
        replace: "void entry;\n    this.forwardedReads",
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
    bug: "learners and removed replicas stand for election",
    file: raft("raft/raft-core.ts"),
    edits: [
      {
        find: "return this.lost === undefined && isVoter(this.membership, this.id);",
        replace: "return this.lost === undefined;",
      },
    ],
    detector: groupSeeds,
  },
  {
    row: "19",
    bug: "entries that were to be applied are applied on top of a snapshot that holds them",
    file: raft("raft/raft-core.ts"),
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
    row: "S9",
    bug: "an entry is applied before it is durable in the replica's own log",
    file: raft("raft/raft-core.ts"),
    edits: [
      {
        find: "Math.min(this.commitIndex, this.writes.durableIndex));\n    if (this.#handedIndex",
        replace: "this.commitIndex);\n    if (this.#handedIndex",
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
    detector: groupSeeds,
  },
];
