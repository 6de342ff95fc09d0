export { closedEpoch } from "./closed-epoch.ts";
export { closedEpochOf, closedEverywhere } from "./cluster/closed-epochs.ts";
export type { OwedSlots, SlotReport } from "./cluster/completed-slots.ts";
export { owedSlots } from "./cluster/completed-slots.ts";
export { findLayout, layoutChange } from "./cluster/layouts.ts";
export type { Founding } from "./cluster/members.ts";
export { findFounding, findNode, listNodes } from "./cluster/members.ts";
export type { NewNode, NodeAddresses, NodeLife, NodeRecord } from "./cluster/node-record.ts";
export { newNodeCodec, nodeIdCodec, nodeRecordCodec } from "./cluster/node-record.ts";
export type { NodeChange } from "./cluster/nodes.ts";
export type { GroupRecord, ReplicaPlace } from "./cluster/replicas.ts";
export { groupRecord, groupRecordCodec, isOver, listGroups, systemGroup } from "./cluster/replicas.ts";
export type { JoinToken } from "./cluster/tokens.ts";
export { findToken } from "./cluster/tokens.ts";
export { usedWidths } from "./cluster/used-widths.ts";
export type {
  AttemptRange,
  Operation,
  PutBody,
  ReferenceDrop,
  ShardCommand,
  ShardEntry,
  WriterProgress,
} from "./command.ts";
export { shardEntryCodec } from "./command.ts";
export { checkInvariants } from "./invariants.ts";
export type { ShardResult } from "./result.ts";
export { shardResultCodec } from "./result.ts";
export { ShardMachine } from "./shard-machine.ts";
export { shardOfKey, shardsOfBucket } from "./shard-of-key.ts";
export type { StreamStatus } from "./stream-status.ts";
export { referenceStatus, streamStatus } from "./stream-status.ts";
export type { ClusterCommand, SystemCommand, SystemEntry, SystemResult } from "./system-command.ts";
export { systemEntryCodec } from "./system-command.ts";
export { SystemMachine } from "./system-machine.ts";
export { systemResultCodec } from "./system-result.ts";
export type { WriterRecord } from "./writer-record.ts";
export { isAttemptClosed } from "./writer-record.ts";
export type { OpenWriter } from "./writers.ts";
export { findWriter, listWriters } from "./writers.ts";
