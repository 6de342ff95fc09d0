export type { ErrorCode, Outcome } from "@holdfast/base";
export { StoreError } from "@holdfast/base";
export type { BucketInfo, ClusterStatus, DamagedReplica, ReplicasStatus, ServerFacts } from "./answers.ts";
export type { FileAttributes } from "./attributes.ts";
export type {
  Cluster,
  ClusterGroup,
  ClusterMember,
  ClusterNode,
  ClusterShard,
  IssuedJoinToken,
  JoinTokenOptions,
  NodeChange,
} from "./cluster.ts";
export type { ConnectOptions } from "./connect.ts";
export type { Content } from "./content.ts";
export type { FileInfo } from "./file-info.ts";
export type {
  FileListing,
  FilePage,
  ListedEntry,
  ListedFile,
  ListedPrefix,
  ListFilesOptions,
} from "./file-listing.ts";
export type { FileReading, ResolvedRange } from "./file-reading.ts";
export type {
  DrawingOptions,
  Layout,
  LayoutNode,
  LayoutPreview,
  LayoutProposal,
  LayoutTable,
} from "./layout.ts";
export type {
  FsckEvent,
  FsckNote,
  FsckOptions,
  FsckProblem,
  FsckProgress,
  FsckSummary,
  ScrubStatus,
} from "./maintenance.ts";
export { connect } from "./node.ts";
export type {
  CopyFileOptions,
  CreateBucketOptions,
  DeletedFile,
  DownloadFileOptions,
  DownloadProgress,
  FileToDelete,
  OpenUpload,
  Progress,
  ReadFileOptions,
  RequestOptions,
  StoredFile,
  StoreFileOptions,
  UploadResume,
  WriteConditions,
} from "./options.ts";
export type { LocalAttributes } from "./platform.ts";
export type { Store } from "./store.ts";
