export type { ChecksumAlgorithm, FileAttributes, FileChecksum, UserMetadata } from "./attributes.ts";
export {
  checksumAlgorithmCodec,
  checksumAlgorithms,
  checksumScopeCodec,
  fileAttributesCodec,
  fileChecksumCodec,
  noAttributes,
} from "./attributes.ts";
export type { Bucket, BucketSettings, InstalledBucket } from "./bucket.ts";
export { bucketCodec, bucketSettingsCodec, installedBucketCodec } from "./bucket.ts";
export type { Cluster, CreateBucket } from "./buckets.ts";
export {
  activateBucket,
  beginBucketDelete,
  cancelBucketDelete,
  clusterCodec,
  createBucket,
  createCluster,
  findBucketById,
  findBucketByName,
  findCluster,
  finishBucketDelete,
  listBuckets,
} from "./buckets.ts";
export { advanceClusterTime, clusterTimeMs } from "./cluster-time.ts";
export type { CompleteUpload, ListedPart } from "./complete-upload.ts";
export { completeUpload } from "./complete-upload.ts";
export type { CompletedUpload } from "./completed-uploads.ts";
export { completedUploadCodec, completedUploadKeptMs, findCompletedUpload } from "./completed-uploads.ts";
export type { EtagMatch, WriteCondition } from "./condition.ts";
export { judgeCondition, matches, unconditional, writeConditionCodec } from "./condition.ts";
export type { Content, ContentPart, ContentRecord, Redundancy } from "./content.ts";
export { contentCodec, contentPartCodec, contentRecordCodec, redundancyCodec } from "./content.ts";
export { deadContents, findContent, findStream, forgetContent, isQueuedForErasure } from "./contents.ts";
export type { EntryScope, Refusal } from "./entry-scope.ts";
export { refusal } from "./entry-scope.ts";
export { fileKeyBytes, isRefusal } from "./file-key.ts";
export type { FileBody, FileVersion } from "./file-version.ts";
export { fileBodyCodec, fileVersionCodec } from "./file-version.ts";
export type { DeleteFile, NewBody, PutFile, Stored } from "./files.ts";
export { deleteFile, findEarlier, findFile, putFile } from "./files.ts";
export {
  findInstalledBucket,
  installBucket,
  isBucketRemoved,
  sealBucket,
  unsealBucket,
} from "./installed-buckets.ts";
export { checkNamespaceInvariants } from "./invariants.ts";
export { listPairs, pairsUnder } from "./key-ranges.ts";
export type { FileListing, ListFiles } from "./list-files.ts";
export { listFiles } from "./list-files.ts";
export type { ListUploads, PartListing, UploadListing } from "./list-uploads.ts";
export { listParts, listUploads } from "./list-uploads.ts";
export type { ListedFile } from "./listed-file.ts";
export { listedFile } from "./listed-file.ts";
export type { OutboxItem, PendingDrop } from "./outbox.ts";
export { outboxItemCodec, pendingDrops, settleDrop } from "./outbox.ts";
export type { CopiedReference } from "./references.ts";
export {
  addReference,
  copiedReferences,
  countReferences,
  dropReference,
  hasReference,
  isReferenceHeld,
  referenceCount,
} from "./references.ts";
export { removeBucket } from "./remove-bucket.ts";
export { numbersKey } from "./state-keys.ts";
export type { Upload, UploadedPart } from "./upload.ts";
export { uploadCodec, uploadedPartCodec } from "./upload.ts";
export type { CreateUpload, PutPart, UploadName } from "./uploads.ts";
export { abortUpload, createUpload, findPart, findParts, findUpload, putPart } from "./uploads.ts";
export type { Slice, SliceRequest, WalkedFile, WalkedReference, WalkedStream } from "./walks.ts";
export { walkFiles, walkHeldReferences, walkReferences, walkStreams } from "./walks.ts";
