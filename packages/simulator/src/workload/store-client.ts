/** What a workload asks of a store, whatever stands behind: the node's Files, or a real process over HTTP. */

import type { Body } from "../model/body.ts";
import type { Condition } from "../model/register.ts";
import type { Name, Seen } from "../model/store-model.ts";
import type { ListedPart } from "../model/upload-model.ts";

/** All failures are StoreErrors, except that a body which throws may come back as it is. */
export interface StoreClient {
  put(name: Name, tag: string, outgoing: Outgoing, condition: Condition): Promise<Stored>;
  read(name: Name, range: Range | undefined): Promise<Reading>;
  delete(name: Name, condition: Condition): Promise<{ readonly existed: boolean | undefined }>;
  /** Without a tag the source's metadata is taken over. */
  copy(source: Name, name: Name, tag: string | undefined, condition: Condition): Promise<Stored>;
  list(request: ListRequest): Promise<ListPage>;
  createUpload(name: Name, tag: string): Promise<string>;
  putPart(name: Name, uploadId: string, part: number, outgoing: Outgoing): Promise<{ readonly etag: string }>;
  completeUpload(
    name: Name,
    uploadId: string,
    parts: readonly PartName[],
    condition: Condition,
  ): Promise<Stored>;
  abortUpload(name: Name, uploadId: string): Promise<void>;
  listParts(name: Name, uploadId: string): Promise<readonly ListedPart[]>;
  listUploads(bucket: string): Promise<readonly { readonly key: string; readonly uploadId: string }[]>;
  createBucket(bucket: string): Promise<void>;
  deleteBucket(bucket: string): Promise<void>;
  listBuckets(): Promise<readonly string[]>;
}

export interface Outgoing {
  readonly body: Body;
  /** What the sender claims; a body that has fewer is broken off. */
  readonly declaredBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** What the sender says the MD5 is; a wrong one has to be refused. */
  readonly md5: Uint8Array | undefined;
}

/** Bytes `first` to `last`, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

export interface Reading {
  readonly seen: Seen;
  readonly offset: number;
  readonly length: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface Stored {
  readonly etag: string;
  /** Undefined where the store does not say. */
  readonly bytes: number | undefined;
}

export interface PartName {
  readonly part: number;
  readonly etag: string;
}

export interface ListRequest {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly after: string;
  readonly limit: number;
}

export interface ListPage {
  readonly files: readonly { readonly key: string; readonly etag: string; readonly bytes: number }[];
  readonly prefixes: readonly string[];
  readonly next: string | undefined;
}
