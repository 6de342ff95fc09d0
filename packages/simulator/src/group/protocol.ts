/** A consensus protocol as the simulator drives it; everything above is the same for all of them. */

import type { Ballot } from "@holdfast/base";
import { ballot, decode } from "@holdfast/base";
import type {
  ConsensusProtocol,
  Entry,
  Envelope,
  LogPosition,
  MultiPaxosMessage,
  RaftMessage,
} from "@holdfast/consensus";
import { Acceptances, multiPaxosHardStateCodec, multiPaxosProtocol, raftProtocol } from "@holdfast/consensus";

export interface Protocol<Message extends Envelope> extends ConsensusProtocol<Message> {
  describe(message: Message): string;
  /** What these durable entries prove, by the hard state that is durable with them. */
  evidenceOf(hardState: Uint8Array | undefined, entries: readonly Entry[]): Evidence;
  /** Who has to hold an entry that is committed: those of the membership that the entries before it made, or of the latest one. */
  readonly membershipCounts: "when applied" | "when appended";
}

export interface Evidence {
  /** Nothing is accepted below it any more. 0 where promises are not kept apart from terms. */
  readonly promised: Ballot;
  /** The entries' places, each with the ballot in which it counts for its holder. */
  readonly accepted: readonly LogPosition[];
}

export const raft: Protocol<RaftMessage> = {
  ...raftProtocol,
  describe: describeMessage,
  // A vote in a term says nothing of entries of earlier ones: they go on being sent.
  evidenceOf: (_, entries) => ({ promised: ballot(0), accepted: entries }),
  membershipCounts: "when appended",
};

export const multiPaxos: Protocol<MultiPaxosMessage> = {
  ...multiPaxosProtocol,
  describe: describeMessage,
  evidenceOf: (hardState, entries) => {
    const durable = hardState === undefined ? undefined : decode(multiPaxosHardStateCodec, hardState);
    const acceptances = new Acceptances(durable?.acceptances ?? []);
    const accepted = entries.map((entry) => ({ index: entry.index, ballot: acceptances.ballotOf(entry) }));
    return { promised: durable?.promised ?? ballot(0), accepted };
  },
  membershipCounts: "when applied",
};

/** Every field that is not the envelope's, in a line. */
function describeMessage(message: RaftMessage | MultiPaxosMessage): string {
  const { kind, from, to, ballot, ...fields } = message;
  const texts = Object.entries(fields).map(([name, value]) => `${name}=${describeField(value)}`);
  return `${kind} ${from}->${to} @${ballot} ${texts.join(" ")}`.trimEnd();
}

function describeField(value: unknown): string {
  if (!Array.isArray(value)) return JSON.stringify(value);
  const entries = value as readonly { readonly index: number; readonly ballot: number }[];
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return "none";
  return first === last
    ? `${first.index}/${first.ballot}`
    : `${first.index}/${first.ballot}..${last.index}/${last.ballot}`;
}
