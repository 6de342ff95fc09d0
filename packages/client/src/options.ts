/** What calls take and give. */

import type { StoreError } from "@holdfast/base";
import type { FileAttributes } from "./attributes.ts";
import type { FileInfo } from "./file-info.ts";
import type { LocalAttributes } from "./platform.ts";

export interface RequestOptions {
  /** Ends the call. It rejects with the signal's reason, or with OutcomeUnknown when a write may have taken effect. */
  readonly signal?: AbortSignal | undefined;
}

/** Whether a write happens is decided in the moment it would take effect; ConditionFailed otherwise. */
export interface WriteConditions {
  /** Only if the file's ETag is this one; "*" for any that exists. */
  readonly ifMatch?: string | undefined;
  /** Only if the file's ETag is not this one; "*" only if there is no file. */
  readonly ifNoneMatch?: string | undefined;
}

export interface CreateBucketOptions extends RequestOptions {
  /** "replicas:N" or "erasure:K+M"; the cluster's default otherwise. */
  readonly redundancy?: string | undefined;
  /** Bytes per block; 1 MiB unless given. */
  readonly blockBytes?: number | undefined;
}

export interface StoreFileOptions extends RequestOptions, WriteConditions, FileAttributes {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Lets a later call finish what this one began, for content that can be read again (bytes, Blobs, `{ path }`). An upload in parts
   * that fails in a way that may pass, or is aborted, is then left open.
   */
  readonly resume?: UploadResume | undefined;
}

export interface UploadResume {
  /**
   * An upload that an earlier call left open, for the same name and attributes. What it holds is not sent again, as far as
   * its checksums are those of the content as it is now. One that is gone is replaced by a new one.
   */
  readonly from?: OpenUpload | undefined;
  /** An upload was begun; awaited before its first part leaves. */
  readonly onBegun?: ((upload: OpenUpload) => Promise<void> | void) | undefined;
  /** The upload has become the file, or was given up: it cannot be resumed any more. */
  readonly onEnded?: (() => Promise<void> | void) | undefined;
}

/** Enough to find an upload again. */
export interface OpenUpload {
  readonly uploadId: string;
  readonly partBytes: number;
}

/** What was handed to the network, or found to be there already. Bytes of a request that is tried again are taken back first. */
export interface Progress {
  readonly sentBytes: number;
  /** Undefined for a stream, whose length shows when it ends. */
  readonly totalBytes: number | undefined;
}

export interface StoredFile {
  /** Names this content of the file; without quotes. */
  readonly etag: string;
  /** Opaque; names this version of the file. */
  readonly version: string;
  readonly bytes: number;
}

export interface ReadFileOptions extends RequestOptions {
  /** Bytes `first` to `last`, both included, to the end without `last`; or the file's last `lastBytes`. */
  readonly range?:
    | { readonly first: number; readonly last?: number }
    | { readonly lastBytes: number }
    | undefined;
  /** Only this version: ConditionFailed for another. */
  readonly ifMatch?: string | undefined;
  /** Only a version other than this: NotModified otherwise. */
  readonly ifNoneMatch?: string | undefined;
}

export interface DownloadFileOptions extends RequestOptions {
  /** Only this version: ConditionFailed for another, Unavailable when it is replaced meanwhile. */
  readonly ifMatch?: string | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  /**
   * Continues a large download that broke off, in this process or one before, and leaves what there is when this one breaks off:
   * `.NAME.holdfast-partial` and its description beside the target.
   */
  readonly resume?: boolean | undefined;
  /** What the file is given besides its bytes. */
  readonly attributes?: ((info: FileInfo) => LocalAttributes) | undefined;
  /** Small files too are on stable storage when the call resolves; large ones always are. */
  readonly sync?: boolean | undefined;
}

export interface DownloadProgress {
  /** Begins again at 0 when the file was replaced meanwhile. */
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

/** Deleted only with this content, if an ETag is given. */
export interface FileToDelete {
  /** Within the bucket. */
  readonly key: string;
  readonly ifMatch?: string | undefined;
}

export type DeletedFile =
  | { readonly kind: "deleted"; readonly key: string; readonly existed: boolean }
  | { readonly kind: "failed"; readonly key: string; readonly error: StoreError };

/** Attributes are the source's unless one is given: then they are those given and no others. */
export interface CopyFileOptions extends RequestOptions, WriteConditions, FileAttributes {
  /** Copies only this version of the source: ConditionFailed for another. */
  readonly sourceIfMatch?: string | undefined;
}
