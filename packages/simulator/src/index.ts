export type { ClusterFault, Consensus } from "./cluster/cluster-plan.ts";
export { clusterFaultOf } from "./cluster/cluster-plan.ts";
export type { RunClusterSeedOptions } from "./cluster/run-cluster-seed.ts";
export { runClusterSeed } from "./cluster/run-cluster-seed.ts";
export type { Protocol } from "./group/protocol.ts";
export { multiPaxos, raft } from "./group/protocol.ts";
export type { GroupSeedOptions, GroupSeedResult } from "./group/run-group-seed.ts";
export { runGroupSeed } from "./group/run-group-seed.ts";
export type { Body, Piece } from "./model/body.ts";
export { bodyBytes, bodyLength, firstDifference, pieceBytes } from "./model/body.ts";
export { etagOfPiece, etagOfUpload } from "./model/etag.ts";
export type { Condition } from "./model/register.ts";
export { noCondition } from "./model/register.ts";
export type { Name, Seen } from "./model/store-model.ts";
export { StoreModel } from "./model/store-model.ts";
export type { ListedPart } from "./model/upload-model.ts";
export { UploadModel } from "./model/upload-model.ts";
export { Violation, violated } from "./model/violation.ts";
export type { RunSeedOptions, SeedResult } from "./run/run-seed.ts";
export { runSeed } from "./run/run-seed.ts";
export { createBucket } from "./workload/bucket-operations.ts";
export { runClient } from "./workload/client.ts";
export type { ConnectionOptions } from "./workload/connection.ts";
export { Connection, SenderGone } from "./workload/connection.ts";
export { examine } from "./workload/examine.ts";
export { writeFixtures } from "./workload/fixtures.ts";
export type { SessionOptions } from "./workload/session.ts";
export { mainBuckets, Session } from "./workload/session.ts";
export type {
  ListPage,
  ListRequest,
  Outgoing,
  PartName,
  Range,
  Reading,
  StoreClient,
  Stored,
} from "./workload/store-client.ts";
export type { Worker } from "./workload/worker.ts";
