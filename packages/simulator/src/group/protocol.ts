/** A consensus protocol as the simulator drives it; everything above is the same for all of them. */

import { decode, encode } from "@holdfast/base";
import type {
  Consensus,
  ConsensusOptions,
  Envelope,
  RaftMessage,
  SnapshotPosition,
} from "@holdfast/consensus";
import { createRaft, installSnapshot, raftMessageCodec } from "@holdfast/consensus";

export interface Protocol<Message extends Envelope> {
  readonly name: string;
  create(options: ConsensusOptions): Consensus<Message>;
  encode(message: Message): Uint8Array;
  decode(bytes: Uint8Array): Message;
  describe(message: Message): string;
  /** What the receiver's host hands over once a snapshot is there. */
  installSnapshot(envelope: Envelope, position: SnapshotPosition): Message;
}

export const raft: Protocol<RaftMessage> = {
  name: "raft",
  create: createRaft,
  encode: (message) => encode(raftMessageCodec, message),
  decode: (bytes) => decode(raftMessageCodec, bytes),
  describe: describeMessage,
  installSnapshot,
};

/** Every field that is not the envelope's, in a line. */
function describeMessage(message: RaftMessage): string {
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
