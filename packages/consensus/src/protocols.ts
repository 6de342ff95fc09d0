/** Both protocols as a host sees them: it does the same for either, and looks into no message. */

import type { Codec } from "@holdfast/base";
import type { Consensus, ConsensusOptions, Envelope, SnapshotPosition } from "./contract/consensus.ts";
import { multiPaxosMessageCodec } from "./multipaxos/message-codec.ts";
import type { MultiPaxosMessage } from "./multipaxos/messages.ts";
import { createMultiPaxos } from "./multipaxos/multipaxos.ts";
import { raftMessageCodec } from "./raft/message-codec.ts";
import type { RaftMessage } from "./raft/messages.ts";

import { createRaft } from "./raft/raft.ts";
import { installSnapshot } from "./replica/snapshot-message.ts";

export interface ConsensusProtocol<Message extends Envelope> {
  readonly name: "raft" | "multipaxos";
  create(options: ConsensusOptions): Consensus<Message>;
  readonly messageCodec: Codec<Message>;
  /** What the receiver's host hands over once a snapshot waits whole and durable beside its state. */
  installSnapshot(envelope: Envelope, position: SnapshotPosition): Message;
}

export const raftProtocol: ConsensusProtocol<RaftMessage> = {
  name: "raft",
  create: createRaft,
  messageCodec: raftMessageCodec,
  installSnapshot,
};

export const multiPaxosProtocol: ConsensusProtocol<MultiPaxosMessage> = {
  name: "multipaxos",
  create: createMultiPaxos,
  messageCodec: multiPaxosMessageCodec,
  installSnapshot,
};
