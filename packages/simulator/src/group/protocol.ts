/** A consensus protocol as the simulator drives it; everything above is the same for all of them. */

import { decode } from "@holdfast/base";
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
  /** In which ballot durable entries count for their holder, by the hard state that is durable with them. */
  acceptancesBy(hardState: Uint8Array | undefined): (entry: Entry) => LogPosition;
}

export const raft: Protocol<RaftMessage> = {
  ...raftProtocol,
  describe: describeMessage,
  acceptancesBy: () => (entry) => entry,
};

export const multiPaxos: Protocol<MultiPaxosMessage> = {
  ...multiPaxosProtocol,
  describe: describeMessage,
  acceptancesBy: (hardState) => {
    const steps = hardState === undefined ? [] : decode(multiPaxosHardStateCodec, hardState).acceptances;
    const acceptances = new Acceptances(steps);
    return (entry) => ({ index: entry.index, ballot: acceptances.ballotOf(entry) });
  },
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
