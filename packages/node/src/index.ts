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
export type { Access, Credentials } from "./access.ts";
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
  FileReading,
  Files,
  IncomingBody,
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
// Where a data directory keeps what, for tools that look into one from outside.
export { shardGroup, systemGroup } from "./groups/group-ids.ts";
export type { Identity } from "./identity.ts";
export { folders as dataFolders, readIdentity } from "./identity.ts";
export type { HoldfastNode, NodeOptions, NodePorts } from "./node.ts";
export { startNode } from "./node.ts";
export type { NodeStatus } from "./node-status.ts";
export type { Readiness } from "./readiness.ts";
