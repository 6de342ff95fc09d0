/**
 * Bugs of consensus implementations, put into Multi-Paxos: row M2 is row 2 of docs/internals/bug-matrix.md, MS14 rule S14. Its own bugs
 * are in paxos.ts.
 *
 * Some that one might expect do no harm, so that nothing could catch them:
 *   - A leader that begins a change while another is under way (row 1): nothing at all is proposed behind a membership
 *     that is not applied (MS14).
 *   - A quorum of the incoming voters alone for what is chosen while a change is joint (row 17): the only value there is the end of
 *     the joint phase, which needs no more.
 */

import type { Detector, Mutant } from "../mutant.ts";
import { multiPaxosSeeds } from "../mutant.ts";

const scripted: Detector = {
  kind: "tests",
  files: ["packages/simulator/src/group/disruption.test.ts"],
};
const rules: Detector = {
  kind: "tests",
  files: [
    "packages/consensus/src/multipaxos/rules/acceptor-rules.test.ts",
    "packages/consensus/src/multipaxos/rules/election-rules.test.ts",
    "packages/consensus/src/multipaxos/rules/leader-rules.test.ts",
    "packages/consensus/src/multipaxos/rules/membership-rules.test.ts",
  ],
};
const transcripts: Detector = { kind: "tests", files: ["packages/consensus/src/transcripts.test.ts"] };

const source = (file: string): string => `packages/consensus/src/${file}`;

export const multiPaxosMutants: readonly Mutant[] = [
  {
    row: "M1",
    bug: "voters change in one step, without a joint phase",
    file: source("contract/membership.ts"),
    edits: [{ find: "outgoing: sameVoters ? [] : current.voters", replace: "outgoing: []" }],
    detector: multiPaxosSeeds,
  },
  {
    row: "M2",
    bug: "what was accepted in an earlier ballot counts as accepted in this one",
    file: source("multipaxos/paxos-core.ts"),
    edits: [
      {
        find: "    this.ballot = newBallot;\n    this.acceptedIndex = this.commitIndex;",
        replace: "    this.ballot = newBallot;\n    this.acceptedIndex = this.log.lastIndex;",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "M3",
    bug: "a new leader serves reads before all that earlier ballots left is chosen",
    file: source("multipaxos/leading.ts"),
    edits: [
      {
        find: "return this.#readsAreOpen ? this.#core.commitIndex : undefined;",
        replace: "return this.#core.commitIndex;",
      },
    ],
    detector: rules,
  },
  {
    row: "M4",
    bug: "a read is confirmed by a heartbeat that was sent before it",
    file: source("replica/read-barriers.ts"),
    edits: [{ find: "round: this.#round + 1 });", replace: "round: this.#round });" }],
    detector: rules,
  },
  {
    row: "M4",
    bug: "a leader answers a read without asking anybody",
    file: source("replica/followers.ts"),
    edits: [
      {
        find: "this.#barriers.confirm(quorumValue(membership, this.#roundOf))",
        replace: "this.#barriers.confirm(membership.voters.length * 0 + this.#barriers.round)",
      },
    ],
    detector: rules,
  },
  {
    row: "M5",
    bug: "a leader that hears nobody leads on",
    file: source("replica/leader.ts"),
    edits: [
      {
        find: "if (!this.group.checkQuorum()) return this.stepDown();",
        replace: "this.group.checkQuorum();",
      },
    ],
    detector: scripted,
  },
  {
    row: "M6",
    bug: "a replica that comes back prepares a ballot without asking around first",
    file: source("multipaxos/election.ts"),
    edits: [
      {
        find: "if (!quorumHolds(core.membership, (id) => this.#granted.has(id))) return;",
        replace: "void quorumHolds;",
      },
    ],
    detector: scripted,
  },
  {
    row: "M6",
    bug: "an acceptor listens to a candidate while its leader is alive",
    file: source("multipaxos/paxos-core.ts"),
    edits: [
      {
        find: "return patron !== undefined && patron !== asker && electionElapsed < limits.electionTicks;",
        replace: "return patron === asker && electionElapsed > limits.electionTicks;",
      },
    ],
    detector: rules,
  },
  {
    row: "M7",
    bug: "a proposer in a lower ballot is never told of the higher one",
    file: source("multipaxos/multipaxos.ts"),
    edits: [
      {
        find: 'this.#core.send({ kind: "Preempted", from, to, ballot });',
        replace: "void [from, to, ballot];",
      },
    ],
    detector: rules,
  },
  {
    row: "M7",
    bug: "whoever may not stand protects a silent leader for ever",
    file: source("multipaxos/multipaxos.ts"),
    edits: [
      {
        find: "this.#core.becomeFollower(undefined, undefined);\n  }\n\n  protected override onProgress",
        replace: "this.#core.resetElectionTimer();\n  }\n\n  protected override onProgress",
      },
    ],
    detector: transcripts,
  },
  {
    row: "M8",
    bug: "a value that replaces another cuts off those accepted behind it",
    file: source("multipaxos/paxos-core.ts"),
    edits: [
      { find: "    log.replace(entry);", replace: "    log.truncate(entry.index);\n    log.append(entry);" },
    ],
    detector: rules,
  },
  {
    row: "M10",
    bug: "a promise is sent before it is durable",
    file: source("multipaxos/accepting.ts"),
    edits: [{ find: 'core.sendWhenDurable({ kind: "Promise"', replace: 'core.send({ kind: "Promise"' }],
    detector: rules,
  },
  {
    row: "M11",
    bug: "slots are acknowledged before they are durable",
    file: source("multipaxos/accepting.ts"),
    edits: [{ find: 'core.sendWhenDurable({ kind: "Accepted"', replace: 'core.send({ kind: "Accepted"' }],
    detector: multiPaxosSeeds,
  },
  {
    row: "M11",
    bug: "slots that come again are acknowledged while the first write is still under way",
    file: source("log/write-queue.ts"),
    edits: [{ find: "this.#inFlight.length === 0 &&\n", replace: "\n" }],
    detector: multiPaxosSeeds,
  },
  {
    row: "M13",
    bug: "a write that was overtaken proves the values that replaced its own (ABA)",
    file: source("log/write-queue.ts"),
    edits: [
      {
        find: "for (const write of this.#inFlight) if (write.through > last) write.through = last;",
        replace: "",
      },
    ],
    detector: transcripts,
  },
  {
    row: "M15",
    bug: "a leader counts its own values before they are durable",
    file: source("multipaxos/leading.ts"),
    edits: [{ find: "Math.min(writes.durableIndex, this.#proposedIndex)", replace: "this.#proposedIndex" }],
    detector: multiPaxosSeeds,
  },
  {
    row: "M15",
    bug: "a leader counts what it proposes again before its own acceptance is durable",
    file: source("multipaxos/leading.ts"),
    edits: [
      { find: "const own = writes.hardStateIsDurable\n", replace: "const own = writes.durableIndex >= 0\n" },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "M16",
    bug: "a restart forgets that a membership is chosen",
    file: source("multipaxos/paxos-core.ts"),
    edits: [
      {
        find: "    this.#refreshMembership();\n    this.#saveHardState();\n  }",
        replace: "    this.#refreshMembership();\n  }",
      },
    ],
    detector: rules,
  },
  {
    row: "M16",
    bug: "a snapshot brings no membership",
    file: source("multipaxos/paxos-core.ts"),
    edits: [{ find: "    this.#appliedMembership = snapshot.membership;\n", replace: "" }],
    detector: multiPaxosSeeds,
  },
  {
    row: "M17",
    bug: "a joint membership prepares by a quorum of the incoming voters alone",
    file: source("contract/quorum.ts"),
    edits: [
      {
        find: "(outgoing.length === 0 || majorityHolds(outgoing, holds))",
        replace: "(outgoing.length >= 0)",
      },
    ],
    detector: rules,
  },
  {
    row: "M17",
    bug: "the new voters wait to hear that the end of the joint phase is chosen, from voters that are gone",
    file: source("multipaxos/paxos-core.ts"),
    edits: [
      {
        find: "isJoint(this.#appliedMembership) && next !== undefined && !isJoint(",
        replace: "isJoint(this.#appliedMembership) && next !== undefined && isJoint(",
      },
    ],
    detector: rules,
  },
  {
    row: "M18",
    bug: "learners stand for election",
    file: source("multipaxos/paxos-core.ts"),
    edits: [
      {
        find: "(isVoter(this.#membership, this.id) || isVoter(this.#appliedMembership, this.id))",
        replace: "true",
      },
    ],
    detector: rules,
  },
  {
    row: "M18",
    bug: "a learner's acceptance counts",
    file: source("contract/quorum.ts"),
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
    detector: multiPaxosSeeds,
  },
  {
    row: "M18",
    bug: "leadership is handed to a replica that is no voter",
    file: source("replica/leader.ts"),
    edits: [
      { find: "if (to === state.id || !isVoter(state.membership, to))", replace: "if (to === state.id)" },
    ],
    detector: scripted,
  },
  {
    row: "M19",
    bug: "entries that were to be applied are applied on top of a snapshot that holds them",
    file: source("replica/replica-state.ts"),
    edits: [
      {
        find: "this.commitIndex = snapshot.index;\n    this.#handedIndex = snapshot.index;",
        replace: "this.commitIndex = snapshot.index;",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "M19",
    bug: "a snapshot cuts off what was accepted behind it",
    file: source("multipaxos/paxos-core.ts"),
    edits: [{ find: "    for (const entry of behind) log.append(entry);\n", replace: "" }],
    detector: multiPaxosSeeds,
  },
  {
    row: "M19",
    bug: "a snapshot that is older than what is chosen replaces it",
    file: source("multipaxos/accepting.ts"),
    edits: [
      {
        find: "if (index > core.commitIndex) core.install({ index, ballot, membership });",
        replace: "core.install({ index, ballot, membership });",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "M20",
    bug: "a slot is accepted whose predecessor is not",
    file: source("multipaxos/accepting.ts"),
    edits: [
      {
        find: "if (previousIndex > core.acceptedIndex) return",
        replace: "if (previousIndex > core.log.lastIndex) return",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "M21",
    bug: "a leader goes on trusting acknowledgements of a follower that lost its log's end",
    file: source("multipaxos/accepting.ts"),
    edits: [
      { find: "const lost = core.lost !== undefined;", replace: "const lost = core.lost !== core.lost;" },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "M22",
    bug: "a leader that steps down leaves its read barriers unanswered",
    file: source("multipaxos/multipaxos.ts"),
    edits: [{ find: "    this.#leading?.abandon();\n", replace: "" }],
    detector: scripted,
  },
  {
    row: "M27",
    bug: "proposals without end are taken while nothing is chosen",
    file: source("replica/leader.ts"),
    edits: [
      {
        find: "if (this.#uncommittedBytes > 0 && this.#unc",
        replace: "if (this.#uncommittedBytes < 0 && this.#unc",
      },
    ],
    detector: rules,
  },
  {
    row: "M27",
    bug: "the place of a message that was acknowledged is not free again",
    file: source("replica/follower-progress.ts"),
    edits: [
      {
        find: "if (oldest.lastIndex > this.#matchIndex) return;",
        replace: "if (oldest.lastIndex > 0) return;",
      },
    ],
    detector: scripted,
  },
  {
    row: "MS9",
    bug: "an entry is applied before it is durable in the replica's own log",
    file: source("replica/replica-state.ts"),
    edits: [
      {
        find: "return logIndex(Math.min(this.commitIndex, this.writes.durableIndex));",
        replace: "return this.commitIndex;",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "MS10",
    bug: "an acceptor that lost what it had accepted promises to a proposer that may lack it",
    file: source("multipaxos/paxos-core.ts"),
    edits: [
      {
        find: "return heldIndex >= lost.index && heldBallot >= this.#lostBallot;",
        replace: "return heldIndex >= 0 || heldBallot >= this.#lostBallot;",
      },
    ],
    detector: scripted,
  },
  {
    row: "MS10",
    bug: "a follower that lost slots says nothing as long as nothing new comes",
    file: source("multipaxos/accepting.ts"),
    edits: [
      { find: "if (suspect && commitIndex > acceptedIndex)", replace: "if (suspect && commitIndex < 0)" },
    ],
    detector: scripted,
  },
  {
    row: "MS10",
    bug: "a leader leaves a follower in doubt as long as nobody proposes anything",
    file: source("multipaxos/leading.ts"),
    edits: [{ find: "if (suspect && this.refusal()", replace: "if (!suspect && suspect && this.refusal()" }],
    detector: rules,
  },
  {
    row: "MS14",
    bug: "something is proposed behind a membership before that is chosen and applied",
    file: source("multipaxos/leading.ts"),
    edits: [
      {
        find: "return this.#firstOwnIndex === undefined || this.#waitsForMembership();",
        replace: "return this.#firstOwnIndex === undefined;",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "MS14",
    bug: "what earlier ballots left is proposed again behind a membership before that is chosen and applied",
    file: source("multipaxos/leading.ts"),
    edits: [
      {
        find: "while (preparation.hasQuorum && !this.#waitsForMembership())",
        replace: "while (preparation.hasQuorum)",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "MS14",
    bug: "a membership counts as soon as it is accepted",
    file: source("multipaxos/paxos-core.ts"),
    edits: [
      {
        find: "this.#countOn(endsJoint ?",
        replace: "this.#countOn(next !== undefined && (endsJoint || !endsJoint) ?",
      },
    ],
    detector: rules,
  },
];
