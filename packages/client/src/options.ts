/** What calls take and give. */

import type { FileAttributes } from "./attributes.ts";

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
  /** Called as bytes are handed to the network; bytes of a request that is tried again count again. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

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

/** Attributes are the source's unless one is given: then they are those given and no others. */
export interface CopyFileOptions extends RequestOptions, WriteConditions, FileAttributes {
  /** Copies only this version of the source: ConditionFailed for another. */
  readonly sourceIfMatch?: string | undefined;
}
