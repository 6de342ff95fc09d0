export type {
  Consensus,
  ConsensusLimits,
  ConsensusOptions,
  ConsensusRole,
  ConsensusStatus,
  Envelope,
  Fetch,
  Fetched,
  FollowerStatus,
  HostProgress,
  InvalidMessage,
  ReadState,
  Ready,
  Restored,
  SnapshotPosition,
  StorageWrite,
} from "./contract/consensus.ts";
export { defaultConsensusLimits } from "./contract/consensus.ts";
export type { Entry, EntryKind, LogPosition } from "./contract/entry.ts";
export { entryBytes, entryOfStored, storedPayload } from "./contract/entry.ts";
export type { Membership, MembershipTarget } from "./contract/membership.ts";
export {
  decodeMembership,
  emptyMembership,
  encodeMembership,
  isJoint,
  isMember,
  isVoter,
  membersOf,
} from "./contract/membership.ts";
export type { VoteOutcome } from "./contract/quorum.ts";
export { quorumHolds, quorumValue, voteOutcome } from "./contract/quorum.ts";
export type { Proposed, Refusal } from "./contract/refusal.ts";
export type { ReplicaId } from "./contract/replica-id.ts";
export { replicaId } from "./contract/replica-id.ts";
export { Acceptances } from "./multipaxos/acceptances.ts";
export type { MultiPaxosHardState } from "./multipaxos/hard-state.ts";
export { multiPaxosHardStateCodec } from "./multipaxos/hard-state.ts";
export type { MultiPaxosMessage } from "./multipaxos/messages.ts";
export type { ConsensusProtocol } from "./protocols.ts";
export { multiPaxosProtocol, raftProtocol } from "./protocols.ts";
export type { RaftHardState } from "./raft/hard-state.ts";
export { raftHardStateCodec } from "./raft/hard-state.ts";
export { raftMessageCodec } from "./raft/message-codec.ts";
export type { RaftMessage } from "./raft/messages.ts";
export { createRaft } from "./raft/raft.ts";
export { installSnapshot } from "./replica/snapshot-message.ts";
