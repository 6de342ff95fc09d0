/** A consensus protocol as transcripts play it; the harness is the same for all of them. */

import { ballot as ballotOf, decode, encode } from "@holdfast/base";
import type { Envelope } from "../../src/contract/consensus.ts";
import { initialHardState, multiPaxosHardStateCodec } from "../../src/multipaxos/hard-state.ts";
import type { MultiPaxosMessage } from "../../src/multipaxos/messages.ts";
import type { ConsensusProtocol } from "../../src/protocols.ts";
import { multiPaxosProtocol, raftProtocol } from "../../src/protocols.ts";
import { raftHardStateCodec } from "../../src/raft/hard-state.ts";
import type { RaftMessage } from "../../src/raft/messages.ts";
import { describeMultiPaxosHardState, describeMultiPaxosMessage } from "./describe-multipaxos-message.ts";
import { describeRaftMessage } from "./describe-raft-message.ts";

/** Its recordings stand in a folder of its name. */
export interface TranscriptProtocol<Message extends Envelope> extends ConsensusProtocol<Message> {
  describe(message: Message): string;
  describeHardState(hardState: Uint8Array): string;
  /** Of a replica whose log ends in this ballot and that has promised nobody more than that. */
  hardStateOf(ballot: number): Uint8Array;
}

/** Through bytes and back, as on a network. */
export function copyOf<Message extends Envelope>(
  { messageCodec }: ConsensusProtocol<Message>,
  message: Message,
): Message {
  return decode(messageCodec, encode(messageCodec, message));
}

export const raftTranscripts: TranscriptProtocol<RaftMessage> = {
  ...raftProtocol,
  describe: describeRaftMessage,
  describeHardState: (hardState) => {
    const { ballot, votedFor } = decode(raftHardStateCodec, hardState);
    return `ballot ${ballot}, vote for ${votedFor ?? "nobody"}`;
  },
  hardStateOf: (ballot) => encode(raftHardStateCodec, { ballot: ballotOf(ballot), votedFor: undefined }),
};

export const multiPaxosTranscripts: TranscriptProtocol<MultiPaxosMessage> = {
  ...multiPaxosProtocol,
  describe: describeMultiPaxosMessage,
  describeHardState: (hardState) => describeMultiPaxosHardState(decode(multiPaxosHardStateCodec, hardState)),
  hardStateOf: (ballot) =>
    encode(multiPaxosHardStateCodec, { ...initialHardState, promised: ballotOf(ballot) }),
};
