/** A consensus protocol as transcripts play it; scripts and harness are the same for all of them. */

import { ballot as ballotOf, decode, encode } from "@holdfast/base";
import type {
  Consensus,
  ConsensusOptions,
  Envelope,
  SnapshotPosition,
} from "../../src/contract/consensus.ts";
import { raftHardStateCodec } from "../../src/raft/hard-state.ts";
import { raftMessageCodec } from "../../src/raft/message-codec.ts";
import type { RaftMessage } from "../../src/raft/messages.ts";
import { installSnapshot } from "../../src/raft/messages.ts";
import { createRaft } from "../../src/raft/raft.ts";
import { describeRaftMessage } from "./describe-raft-message.ts";

export interface TranscriptProtocol<Message extends Envelope> {
  /** Its recordings stand in a folder of this name. */
  readonly name: string;
  create(options: ConsensusOptions): Consensus<Message>;
  /** Through bytes and back, as on a network. */
  copy(message: Message): Message;
  kindOf(message: Message): string;
  describe(message: Message): string;
  describeHardState(hardState: Uint8Array): string;
  /** Of a replica whose log ends in this ballot and that has voted for nobody in it. */
  hardStateOf(ballot: number): Uint8Array;
  installSnapshot(envelope: Envelope, position: SnapshotPosition): Message;
}

export const raftTranscripts: TranscriptProtocol<RaftMessage> = {
  name: "raft",
  create: createRaft,
  copy: (message) => decode(raftMessageCodec, encode(raftMessageCodec, message)),
  kindOf: ({ kind }) => kind,
  describe: describeRaftMessage,
  describeHardState: (hardState) => {
    const { ballot, votedFor } = decode(raftHardStateCodec, hardState);
    return `ballot ${ballot}, vote for ${votedFor ?? "nobody"}`;
  },
  hardStateOf: (ballot) => encode(raftHardStateCodec, { ballot: ballotOf(ballot), votedFor: undefined }),
  installSnapshot,
};
