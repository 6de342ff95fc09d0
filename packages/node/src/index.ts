export type {
  BucketSettings,
  ChecksumAlgorithm,
  EtagMatch,
  FileAttributes,
  FileChecksum,
  ListedFile,
  UserMetadata,
  WriteCondition,
} from "@holdfast/namespace";
// What gateways need of the namespace's words.
export { checksumAlgorithms, noAttributes, unconditional } from "@holdfast/namespace";
export type { NewNode, NodeRecord } from "@holdfast/shard";
export { newNodeCodec } from "@holdfast/shard";
export type { Access, Credentials } from "./access.ts";
export { rootAccount } from "./access.ts";
export type { ClusterSeed } from "./cluster/cluster-seed.ts";
export { clusterSeedCodec } from "./cluster/cluster-seed.ts";
export type {
  ClusterStatus,
  GroupStanding,
  NodeStanding,
  PartitionCounts,
} from "./cluster/cluster-status.ts";
export type { ClusterView, LayoutPreview, LayoutProposal, LayoutView } from "./cluster/cluster-view.ts";
export type { MemberChanges, Membership } from "./cluster/membership.ts";
export type { NodePlace } from "./cluster/own-record.ts";
export { bodyChunks } from "./files/body-chunks.ts";
export type {
  BucketInfo,
  ByteRange,
  CompletedPart,
  CompleteUploadRequest,
  CopyFileRequest,
  CreateBucketRequest,
  CreateUploadRequest,
  DeleteFileRequest,
  ExpectedDigest,
  FileInfo,
  FilePage,
  FilePart,
  FilePartPage,
  FileReading,
  Files,
  IncomingBody,
  ListFilePartsRequest,
  ListFilesRequest,
  ListPartsRequest,
  ListUploadsRequest,
  PartPage,
  ReadCondition,
  ReadFileRequest,
  RequestContext,
  ResolvedRange,
  StoredFile,
  StoredPart,
  StoreFileRequest,
  StorePartRequest,
  UploadInfo,
  UploadPage,
  UploadReference,
} from "./files/interface.ts";
export type {
  FsckCounts,
  FsckEvent,
  FsckNote,
  FsckOptions,
  FsckProblem,
  FsckProgress,
  FsckStage,
  FsckSummary,
  ProblemKind,
} from "./fsck/findings.ts";
// Where a data directory keeps what, for tools that look into one from outside.
export { shardGroup, systemGroup } from "./groups/group-ids.ts";
export type { Identity } from "./identity.ts";
export { folders as dataFolders, readIdentity } from "./identity.ts";
export type { DamagedBlock, ScrubResult } from "./maintenance/scrub-record.ts";
export type { ScrubStatus } from "./maintenance/scrubber.ts";
export type { HoldfastNode, Maintenance } from "./node.ts";
export { startNode } from "./node.ts";
export type { NodeFailure } from "./node-failure.ts";
export type { Entrance, NodeOptions, NodePorts, Rejoining } from "./node-options.ts";
export type { NodeStatus } from "./node-status.ts";
export type { Readiness } from "./readiness.ts";
export { checkStates } from "./state-store/check-states.ts";
