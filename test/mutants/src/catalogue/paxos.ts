/** Bugs that only a Paxos can have: rows P1 to P8 of docs/internals/bug-matrix.md. */

import type { Detector, Mutant } from "../mutant.ts";
import { multiPaxosSeeds } from "../mutant.ts";

const rules: Detector = {
  kind: "tests",
  files: [
    "packages/consensus/src/multipaxos/rules/acceptor-rules.test.ts",
    "packages/consensus/src/multipaxos/rules/leader-rules.test.ts",
  ],
};
const preparation: Detector = {
  kind: "tests",
  files: ["packages/consensus/src/multipaxos/preparation.test.ts"],
};
const lostMessages: Detector = { kind: "tests", files: ["packages/consensus/src/lost-messages.test.ts"] };

const source = (file: string): string => `packages/consensus/src/${file}`;

export const paxosMutants: readonly Mutant[] = [
  {
    row: "P1",
    bug: "a proposer asks for promises before its own is durable",
    file: source("multipaxos/preparation.ts"),
    edits: [{ find: 'core.sendWhenDurable({ kind: "Prepare"', replace: 'core.send({ kind: "Prepare"' }],
    detector: rules,
  },
  {
    row: "P1",
    bug: "a ballot is not remembered over a restart",
    file: source("multipaxos/paxos-core.ts"),
    edits: [
      {
        find: "    this.#saveHardState();\n    this.becomeFollower(undefined, patron);",
        replace: "    this.becomeFollower(undefined, patron);",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "P1",
    bug: "ballots do not belong to one replica alone",
    file: source("multipaxos/ballots.ts"),
    edits: [{ find: "+ 1) * replicasMax + id);", replace: "+ 1) * replicasMax + (id % 2) + 1);" }],
    detector: multiPaxosSeeds,
  },
  {
    row: "P2",
    bug: "a proposer prefers the value that it has accepted itself",
    file: source("multipaxos/preparation.ts"),
    edits: [
      {
        find: "return own === undefined || best.acceptedIn > this.#core.acceptedIn(own) ? best.entry : own;",
        replace: "return own ?? best.entry;",
      },
    ],
    detector: preparation,
  },
  {
    row: "P2",
    bug: "a proposer prefers the value that was told last",
    file: source("multipaxos/preparation.ts"),
    edits: [
      {
        find: "if (known === undefined || slot.acceptedIn > known.acceptedIn)",
        replace: "if (known === undefined || slot.acceptedIn !== known.acceptedIn)",
      },
    ],
    detector: preparation,
  },
  {
    row: "P2",
    bug: "values are compared by the ballot that they were proposed in first",
    file: source("multipaxos/preparation.ts"),
    edits: [
      { find: "best.acceptedIn > this.#core.acceptedIn(own)", replace: "best.entry.ballot > own.ballot" },
      { find: "slot.acceptedIn > known.acceptedIn", replace: "slot.entry.ballot > known.entry.ballot" },
    ],
    detector: preparation,
  },
  {
    row: "P2",
    bug: "what is accepted again is not remembered",
    file: source("multipaxos/paxos-core.ts"),
    edits: [{ find: "    this.#acceptances.add(last.index, this.ballot);\n", replace: "" }],
    detector: multiPaxosSeeds,
  },
  {
    row: "P3",
    bug: "those who vote since a membership is applied are asked for no promise",
    file: source("multipaxos/preparation.ts"),
    edits: [
      {
        find: "return quorumHolds(membership, (id) =>",
        replace: "return this.#reports.size > 1 || quorumHolds(membership, (id) =>",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "P3",
    bug: "acceptances are forgotten with a change of membership",
    file: source("multipaxos/paxos-core.ts"),
    edits: [
      {
        find: "    this.#appliedMembership = handed.membership;\n",
        replace:
          "    this.#appliedMembership = handed.membership;\n    this.#acceptances.forget(this.log.lastIndex);\n",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "P4",
    bug: "a new leader goes on behind its own log, and proposes nothing again that others hold",
    file: source("multipaxos/preparation.ts"),
    edits: [
      {
        find: "return logIndex(Math.max(this.#lastIndex, this.#core.log.lastIndex));",
        replace: "return this.#core.log.lastIndex;",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "P4",
    bug: "a part of a promise is taken for all of it",
    file: source("multipaxos/preparation.ts"),
    edits: [
      {
        find: "return report.lastIndex !== undefined && this.#neededOf(report) > report.lastIndex;",
        replace: "return report.lastIndex !== undefined;",
      },
    ],
    detector: multiPaxosSeeds,
  },
  {
    row: "P5",
    bug: "what was learned is known as chosen in memory alone",
    file: source("multipaxos/paxos-core.ts"),
    edits: [
      {
        find: "    // Answers count these slots without their being accepted in this ballot: a restart has to know them as chosen, too.\n    this.#saveHardState();\n",
        replace: "",
      },
    ],
    detector: rules,
  },
  {
    row: "P6",
    bug: "a promise that was lost is not asked for again",
    file: source("multipaxos/preparation.ts"),
    edits: [
      { find: "if (this.#ticksSinceAsked >= this.#core.limits.heartbeatTicks) this.ask();", replace: "" },
    ],
    detector: rules,
  },
  {
    row: "P6",
    bug: "a proposal that was lost is not asked after",
    file: source("replica/followers.ts"),
    edits: [
      {
        find: 'if (progress.needsProbe && progress.mode !== "snapshot") this.#probe(progress);',
        replace: "",
      },
    ],
    detector: lostMessages,
  },
  {
    row: "P7",
    bug: "a proposer in a lower ballot than the one promised is helped",
    file: source("multipaxos/multipaxos.ts"),
    edits: [
      {
        find: '      case "Decide":\n        if (message.ballot < core.ballot) return this.#refuse(message);',
        replace: '      case "Decide":\n        if (message.ballot < core.ballot) return true;',
      },
    ],
    detector: multiPaxosSeeds,
  },
];
