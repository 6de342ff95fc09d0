/**
 * What a node offers to gateways: buckets and files, whatever the protocol. Any node answers anything, linearizably.
 * All failures are StoreErrors. Names are checked here, so every protocol refuses the same ones.
 */

import type {
  BucketSettings,
  ChecksumAlgorithm,
  EtagMatch,
  FileAttributes,
  FileChecksum,
  ListedFile,
  WriteCondition,
} from "@holdfast/namespace";
import type { Abortable, ByteStream } from "@holdfast/ports";

export interface Files {
  /** The same files; what is written to the journal on behalf of this request names it. */
  within(request: RequestContext): Files;

  createBucket(request: CreateBucketRequest): Promise<BucketInfo>;
  /** BucketNotFound, BucketNotEmpty. */
  deleteBucket(name: string): Promise<void>;
  bucket(name: string): Promise<BucketInfo>;
  /** Sorted by name. */
  listBuckets(): Promise<readonly BucketInfo[]>;

  /** Durable and visible when it resolves; on any error before the commit nothing is visible. */
  storeFile(request: StoreFileRequest): Promise<StoredFile>;
  /** FileNotFound, NotModified and ConditionFailed (with the field `etag`), InvalidRange (with the field `bytes`). */
  readFile(request: ReadFileRequest): Promise<FileReading>;
  /** As readFile, without the body. */
  statFile(request: ReadFileRequest): Promise<FileInfo>;
  /** A file and a page of the parts it was uploaded in; none for a file stored in one piece. */
  listFileParts(request: ListFilePartsRequest): Promise<FilePartPage>;
  /** Deleting what is not there succeeds, unless a condition says otherwise. */
  deleteFile(request: DeleteFileRequest): Promise<{ readonly existed: boolean }>;
  copyFile(request: CopyFileRequest): Promise<StoredFile>;
  /** Linearizable per key, not a snapshot of the bucket (S19). */
  listFiles(request: ListFilesRequest): Promise<FilePage>;

  createUpload(request: CreateUploadRequest): Promise<UploadInfo>;
  storePart(request: StorePartRequest): Promise<StoredPart>;
  completeUpload(request: CompleteUploadRequest): Promise<StoredFile>;
  abortUpload(request: UploadReference): Promise<void>;
  listParts(request: ListPartsRequest): Promise<PartPage>;
  listUploads(request: ListUploadsRequest): Promise<UploadPage>;
}

/** What the layers below a gateway know of the request they work for. */
export interface RequestContext {
  /** As the client got it in its answer. */
  readonly requestId: string;
}

export interface CreateBucketRequest {
  readonly name: string;
  readonly owner: string;
  readonly settings?: Partial<BucketSettings>;
}

export interface BucketInfo {
  readonly name: string;
  readonly owner: string;
  readonly createdAtMs: number;
  readonly settings: BucketSettings;
}

/** A body on its way in. */
export interface IncomingBody {
  readonly chunks: ByteStream;
  /** Length as declared; a body that is shorter or longer is refused (IncompleteBody, BodyTooLarge). */
  readonly bytes: number | undefined;
  /**
   * Digests the body must have, asked for once all chunks were read (trailers arrive last). One that differs refuses
   * the write with ChecksumMismatch; nothing is stored.
   */
  expectedDigests(): readonly ExpectedDigest[];
  /** The checksum to compute, keep and return besides MD5 and CRC-32. */
  readonly checksumAlgorithm?: ChecksumAlgorithm | undefined;
  /** Other digests that expectedDigests will speak of. */
  readonly verify?: readonly ("md5" | ChecksumAlgorithm)[] | undefined;
}

export interface ExpectedDigest {
  readonly algorithm: "md5" | ChecksumAlgorithm;
  readonly value: Uint8Array;
}

export interface StoreFileRequest {
  readonly bucket: string;
  readonly key: string;
  readonly attributes: FileAttributes;
  readonly condition: WriteCondition;
  readonly body: IncomingBody;
  readonly signal?: Abortable | undefined;
}

export interface StoredFile {
  /** Opaque; names this version of the file. */
  readonly version: string;
  readonly bytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly checksum: FileChecksum | undefined;
  readonly modifiedAtMs: number;
}

export interface FileInfo extends StoredFile {
  readonly bucket: string;
  readonly key: string;
  readonly attributes: FileAttributes;
  /** CRC-32 of the whole file, kept for every file: lets any client check what it read. */
  readonly crc32: number;
  /** Number of parts of a file that was uploaded in parts. */
  readonly partCount: number | undefined;
  /** Of the part that was asked for, where it has one of its own. */
  readonly partChecksum?: FileChecksum | undefined;
  /** Where the range or part that was asked for lies; the whole file otherwise. */
  readonly range: ResolvedRange;
}

/** RFC 9110 section 13: evaluated in the order If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since. */
export interface ReadCondition {
  readonly ifMatch?: EtagMatch | undefined;
  readonly ifNoneMatch?: EtagMatch | undefined;
  readonly ifModifiedSinceMs?: number | undefined;
  readonly ifUnmodifiedSinceMs?: number | undefined;
}

export type ByteRange =
  /** Bytes `first` to `last`, both included; to the end without `last`. */
  | { readonly kind: "from"; readonly first: number; readonly last: number | undefined }
  | { readonly kind: "suffix"; readonly bytes: number }
  | { readonly kind: "part"; readonly part: number };

export interface ResolvedRange {
  readonly offset: number;
  readonly bytes: number;
}

export interface ReadFileRequest {
  readonly bucket: string;
  readonly key: string;
  readonly condition?: ReadCondition | undefined;
  readonly range?: ByteRange | undefined;
  readonly signal?: Abortable | undefined;
}

export interface FileReading {
  readonly file: FileInfo;
  /** Exactly `file.range.bytes` bytes, each block's checksum verified; a stream throws rather than ending short. Small ones come whole. */
  readonly body: Uint8Array | ByteStream;
}

export interface ListFilePartsRequest {
  readonly bucket: string;
  readonly key: string;
  /** 0 for all. */
  readonly afterPart: number;
  readonly limit: number;
}

/** Parts of a file are numbered from 1 on without gaps, whatever their numbers were in the upload. */
export interface FilePart {
  readonly part: number;
  readonly bytes: number;
  readonly checksum: FileChecksum | undefined;
}

export interface FilePartPage {
  readonly file: FileInfo;
  readonly parts: readonly FilePart[];
  /** The last part's number when more follow. */
  readonly next: number | undefined;
}

export interface DeleteFileRequest {
  readonly bucket: string;
  readonly key: string;
  readonly condition: WriteCondition;
}

export interface CopyFileRequest {
  readonly source: {
    readonly bucket: string;
    readonly key: string;
    readonly condition?: ReadCondition | undefined;
    /** A larger source is refused with BodyTooLarge; no limit unless given. */
    readonly bytesMax?: number | undefined;
  };
  readonly bucket: string;
  readonly key: string;
  readonly condition: WriteCondition;
  /** Undefined takes over the source's. */
  readonly attributes: FileAttributes | undefined;
  /** The checksum that the copy shall have, over the whole file; the source's unless given. Other bytes are read for it. */
  readonly checksumAlgorithm?: ChecksumAlgorithm | undefined;
  readonly signal?: Abortable | undefined;
}

export interface ListFilesRequest {
  readonly bucket: string;
  readonly prefix: string;
  /** "" for none. */
  readonly delimiter: string;
  /** Only what sorts behind this key or common prefix, by UTF-8 bytes; "" for all. */
  readonly after: string;
  /** Files and common prefixes together; at most limits.keysPerRequestMax. */
  readonly limit: number;
}

export interface FilePage {
  readonly files: readonly ListedFile[];
  readonly prefixes: readonly string[];
  /** The last key or common prefix of this page when more follows: the next request's `after`. */
  readonly next: string | undefined;
}

export interface CreateUploadRequest {
  readonly bucket: string;
  readonly key: string;
  readonly attributes: FileAttributes;
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumScope: "full" | "composite" | undefined;
}

export interface UploadReference {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

export interface UploadInfo extends UploadReference {
  readonly createdAtMs: number;
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumScope: "full" | "composite" | undefined;
}

export interface StorePartRequest extends UploadReference {
  /** 1 to limits.partNumberMax. */
  readonly part: number;
  readonly body: IncomingBody;
  readonly signal?: Abortable | undefined;
}

export interface StoredPart {
  readonly part: number;
  readonly bytes: number;
  /** MD5 in hex. */
  readonly etag: string;
  readonly checksum: FileChecksum | undefined;
  readonly modifiedAtMs: number;
}

export interface CompleteUploadRequest extends UploadReference {
  readonly parts: readonly CompletedPart[];
  readonly condition: WriteCondition;
  /** Of the whole file, when the client knows it: what cannot be held against the parts is refused. */
  readonly checksum?: FileChecksum | undefined;
  /** What the client takes the upload's checksum for; refused when it is the other. */
  readonly checksumScope?: "full" | "composite" | undefined;
}

export interface CompletedPart {
  readonly part: number;
  /** Without quotes. */
  readonly etag: string;
  readonly checksum?: Uint8Array | undefined;
}

export interface ListPartsRequest extends UploadReference {
  readonly afterPart: number;
  readonly limit: number;
}

export interface PartPage {
  readonly upload: UploadInfo;
  readonly parts: readonly StoredPart[];
  /** The last part's number when more follow. */
  readonly next: number | undefined;
}

export interface ListUploadsRequest {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly afterKey: string;
  readonly afterUploadId: string;
  readonly limit: number;
}

export interface UploadPage {
  readonly uploads: readonly UploadInfo[];
  readonly prefixes: readonly string[];
  readonly next: { readonly key: string; readonly uploadId: string } | undefined;
}
