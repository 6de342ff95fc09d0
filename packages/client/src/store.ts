/** The store as programs see it. */

import { StoreError, streamLimits, uriEncode, utf8 } from "@holdfast/base";
import { abortUpload } from "./abort-upload.ts";
import type { BucketInfo, ClusterStatus } from "./answers.ts";
import { bucketFrom, statusFrom } from "./answers.ts";
import { attributeHeaders } from "./attributes.ts";
import type { Cluster, ClusterMember, IssuedJoinToken, JoinTokenOptions, NodeChange } from "./cluster.ts";
import { clusterFrom, memberFrom, tokenFrom } from "./cluster.ts";
import { conditionHeaders, etagHeader, writeEffect } from "./conditions.ts";
import type { Content } from "./content.ts";
import { sourceOf } from "./content.ts";
import { deleteFiles } from "./delete-files.ts";
import { FileDownload } from "./download-file.ts";
import type { FileInfo } from "./file-info.ts";
import { fileInfo } from "./file-info.ts";
import type { ListFilesOptions } from "./file-listing.ts";
import { FileListing } from "./file-listing.ts";
import { bucketPath, copySource, fileName, filePath, namePrefix, queryText } from "./file-name.ts";
import { FileReading } from "./file-reading.ts";
import type { DrawingOptions, Layout, LayoutPreview, LayoutProposal } from "./layout.ts";
import { drawingQuery, layoutFrom, previewFrom } from "./layout.ts";
import type { FsckEvent, FsckOptions, ScrubStatus } from "./maintenance.ts";
import { readFsckEvents, scrubFrom } from "./maintenance.ts";
import type {
  CopyFileOptions,
  CreateBucketOptions,
  DeletedFile,
  DownloadFileOptions,
  FileToDelete,
  ReadFileOptions,
  RequestOptions,
  StoredFile,
  StoreFileOptions,
  WriteConditions,
} from "./options.ts";
import type { Platform } from "./platform.ts";
import { notUnderstood, readAnswer } from "./read-answer.ts";
import type { RequestsOptions } from "./requests.ts";
import { Requests } from "./requests.ts";
import { FileStoring } from "./store-file.ts";

/**
 * Buckets and files of one cluster. Every failure is a StoreError whose `outcome` says what became of a write; but where a
 * signal was aborted before anything took effect, its reason is thrown. Any call: AccessDenied and its kin, Unavailable,
 * Overloaded; any write: OutcomeUnknown.
 */
export class Store {
  readonly #requests: Requests;
  readonly #platform: Platform;

  constructor(options: RequestsOptions) {
    this.#requests = new Requests(options);
    this.#platform = options.platform;
  }

  /** InvalidBucketName, BucketAlreadyExists, BucketAlreadyOwnedByYou. */
  async createBucket(bucket: string, options: CreateBucketOptions = {}): Promise<BucketInfo> {
    const { redundancy, blockBytes, signal } = options;
    const body = {
      kind: "bytes",
      data: utf8(JSON.stringify({ settings: { redundancy, blockBytes } })),
    } as const;
    const headers = { "content-type": "application/json" };
    const request = {
      method: "PUT",
      path: bucketPath(bucket),
      headers,
      body,
      effect: "write",
      signal,
    } as const;
    return bucketFrom(await this.#requests.ask(request));
  }

  /** BucketNotFound, BucketNotEmpty. */
  async deleteBucket(bucket: string, options: RequestOptions = {}): Promise<void> {
    const { signal } = options;
    const response = await this.#requests.send({
      method: "DELETE",
      path: bucketPath(bucket),
      effect: "write",
      signal,
    });
    response.cancel();
  }

  /** Sorted by name. */
  async listBuckets(options: RequestOptions = {}): Promise<readonly BucketInfo[]> {
    const { signal } = options;
    const answer = await this.#requests.ask({
      method: "GET",
      path: "/api/v1/buckets",
      effect: "read",
      signal,
    });
    const { buckets } = answer;
    if (!Array.isArray(buckets)) throw notUnderstood();
    return buckets.map(bucketFrom);
  }

  /**
   * Durable and visible when it resolves; on any error with the outcome "not-applied" nothing changed. Above 64 MiB, and for streams
   * of more than 16 MiB, the content goes out in parts, four at a time. BucketNotFound, InvalidKey, ConditionFailed,
   * ChecksumMismatch (outcome "applied": what is stored is not what was sent).
   *
   * @example
   * ```ts
   * import { connect } from "@holdfast/client";
   *
   * const store = await connect({ endpoint: "http://127.0.0.1:9001", accessKey: "holdfast", secretKey: "holdfast-dev-secret" });
   * const { etag } = await store.storeFile("photos/cat.jpg", { path: "cat.jpg" }, { ifNoneMatch: "*", contentType: "image/jpeg" });
   * await store.storeFile("photos/cat.jpg", new Uint8Array([1, 2, 3]), { ifMatch: etag });
   * ```
   */
  async storeFile(name: string, content: Content, options: StoreFileOptions = {}): Promise<StoredFile> {
    options.signal?.throwIfAborted();
    const storing = new FileStoring(this.#requests, this.#platform, fileName(name), options);
    return storing.run(await sourceOf(content, this.#platform.localFiles));
  }

  /** Gives up an upload that `storeFile` left open with `resume`; one that is gone already is as good. */
  async abortUpload(name: string, uploadId: string, options: RequestOptions = {}): Promise<void> {
    const path = filePath(fileName(name), "uploads");
    await abortUpload(this.#requests, path, uploadId, options.signal);
  }

  /**
   * Resolves when the file was found; its bytes come as they are read. FileNotFound, BucketNotFound, InvalidRange, ConditionFailed,
   * NotModified.
   *
   * @example
   * ```ts
   * import { connect } from "@holdfast/client";
   *
   * const store = await connect({ endpoint: "http://127.0.0.1:9001", accessKey: "holdfast", secretKey: "holdfast-dev-secret" });
   * const file = await store.readFile("notes/today.txt", { range: { first: 0, last: 99 } });
   * console.log(file.info.bytes, await file.text());
   * ```
   */
  async readFile(name: string, options: ReadFileOptions = {}): Promise<FileReading> {
    const parsed = fileName(name);
    const { range, signal } = options;
    const headers = { ...conditionHeaders(options), range: rangeHeader(range) };
    const operation = isLong(range) ? undefined : ({ kind: "readFile", ...parsed } as const);
    const request = {
      method: "GET",
      path: filePath(parsed),
      headers,
      effect: "read",
      operation,
      signal,
    } as const;
    const response = await this.#requests.send(request);
    return new FileReading({
      requests: this.#requests,
      platform: this.#platform,
      name: parsed,
      response,
      signal,
      save: (reading, path) => this.#download(name, path, { signal }).save(reading),
    });
  }

  /**
   * Into a file on this machine (Node alone), which appears when all of it came and its CRC-32 holds; what was there stays until then.
   * Files from 32 MiB on come in pieces, several at once, and are synced; they begin again when the file is replaced meanwhile.
   * As readFile; ChecksumMismatch, and the file system's own errors.
   *
   * @example
   * ```ts
   * import { connect } from "@holdfast/client";
   *
   * const store = await connect({ endpoint: "http://127.0.0.1:9001", accessKey: "holdfast", secretKey: "holdfast-dev-secret" });
   * await store.downloadFile("backups/disk.img", { path: "disk.img" }, { resume: true });
   * ```
   */
  async downloadFile(
    name: string,
    target: { readonly path: string },
    options: DownloadFileOptions = {},
  ): Promise<FileInfo> {
    return this.#download(name, target.path, options).run();
  }

  #download(name: string, path: string, options: DownloadFileOptions): FileDownload {
    const { localFiles } = this.#platform;
    if (localFiles === undefined)
      throw new StoreError("NotImplemented", "There are no paths here: use stream or bytes().");
    const read = (each: ReadFileOptions): Promise<FileReading> => this.readFile(name, each);
    return new FileDownload({ platform: this.#platform, localFiles, read, path, options });
  }

  /** As readFile, without the bytes. */
  async statFile(name: string, options: Omit<ReadFileOptions, "range"> = {}): Promise<FileInfo> {
    const parsed = fileName(name);
    const { signal } = options;
    const headers = conditionHeaders(options);
    const operation = { kind: "statFile", ...parsed } as const;
    const request = {
      method: "HEAD",
      path: filePath(parsed),
      headers,
      effect: "read",
      operation,
      signal,
    } as const;
    const response = await this.#requests.send(request);
    response.cancel();
    return fileInfo(parsed, response.headers);
  }

  /** Deleting what is not there succeeds, unless `ifMatch` is given. ConditionFailed, BucketNotFound. */
  async deleteFile(
    name: string,
    options: RequestOptions & Pick<WriteConditions, "ifMatch"> = {},
  ): Promise<{ readonly existed: boolean }> {
    const { signal } = options;
    const headers = conditionHeaders(options);
    const parsed = fileName(name);
    const request = {
      method: "DELETE",
      path: filePath(parsed),
      headers,
      effect: writeEffect(options),
      operation: { kind: "deleteFile", ...parsed },
      signal,
    } as const;
    const { existed } = await this.#requests.ask(request);
    return { existed: existed === true };
  }

  /**
   * Up to 1000 files in one request; what became of each, in the same order. Each is decided by itself. Under `ifMatch` a file that is
   * not there counts as deleted before. BucketNotFound.
   */
  async deleteFiles(
    bucket: string,
    files: readonly FileToDelete[],
    options: RequestOptions = {},
  ): Promise<readonly DeletedFile[]> {
    return deleteFiles(this.#requests, bucket, files, options.signal);
  }

  /** On the server; no bytes travel. FileNotFound, ConditionFailed. */
  async copyFile(from: string, to: string, options: CopyFileOptions = {}): Promise<StoredFile> {
    const attributes = attributeHeaders(options);
    const replaces =
      Object.values(attributes).some((value) => value !== undefined) || options.userMetadata !== undefined;
    const headers = {
      ...attributes,
      ...conditionHeaders(options),
      "x-holdfast-copy-source": copySource(fileName(from)),
      "x-holdfast-copy-source-if-match": etagHeader(options.sourceIfMatch),
      "x-holdfast-copy-attributes": replaces ? "replace" : "keep",
    };
    const { signal } = options;
    const request = {
      method: "PUT",
      path: filePath(fileName(to)),
      headers,
      effect: writeEffect(options),
      signal,
    } as const;
    const { etag, version, bytes } = await this.#requests.ask(request);
    if (typeof etag !== "string" || typeof version !== "string" || typeof bytes !== "number")
      throw notUnderstood();
    return { etag, version, bytes };
  }

  /**
   * `name` is a bucket or `bucket/prefix`. Each name is as current as its page; the whole is no snapshot.
   *
   * @example
   * ```ts
   * import { connect } from "@holdfast/client";
   *
   * const store = await connect({ endpoint: "http://127.0.0.1:9001", accessKey: "holdfast", secretKey: "holdfast-dev-secret" });
   * for await (const entry of store.listFiles("photos/2026/", { delimiter: "/" })) console.log(entry.kind, entry.name);
   * ```
   */
  listFiles(name: string, options: ListFilesOptions = {}): FileListing {
    const { bucket, prefix } = namePrefix(name);
    return new FileListing(this.#requests, bucket, prefix, options);
  }

  /** Nodes, groups and layout as the node that answers knows them. */
  async cluster({ signal }: RequestOptions = {}): Promise<Cluster> {
    const path = "/api/v1/cluster";
    return clusterFrom(await this.#requests.ask({ method: "GET", path, effect: "read", signal }));
  }

  /** By it one node may join, once. Asks for the root key; NotImplemented from a node that listens for no others. */
  async issueJoinToken(options: RequestOptions & JoinTokenOptions = {}): Promise<IssuedJoinToken> {
    const { lifetimeMs, signal } = options;
    const path = "/api/v1/cluster/tokens";
    // One that nobody was told is of no use to anybody, and runs out.
    const request = {
      method: "POST",
      path,
      ...jsonBody({ lifetimeMs }),
      effect: "repeatable",
      signal,
    } as const;
    return tokenFrom(await this.#requests.ask(request));
  }

  /** Zone, weight, draining. NodeNotFound; InvalidRequest where too few nodes would stay. Asks for the root key. */
  async changeNode(id: string, change: NodeChange, { signal }: RequestOptions = {}): Promise<ClusterMember> {
    const { zone, weight, draining } = change;
    const body = jsonBody({ zone, weight, draining });
    const request = { method: "PATCH", path: nodePath(id), ...body, effect: "repeatable", signal } as const;
    return memberFrom(await this.#requests.ask(request));
  }

  /** The cluster forgets a node that was drained. NodeInUse while anything names it. Asks for the root key. */
  async removeNode(id: string, { signal }: RequestOptions = {}): Promise<{ readonly existed: boolean }> {
    const request = { method: "DELETE", path: nodePath(id), effect: "repeatable", signal } as const;
    const { existed } = await this.#requests.ask(request);
    if (typeof existed !== "boolean") throw notUnderstood();
    return { existed };
  }

  /**
   * What is moving stays where it was. `change` as `cluster()` names it: LayoutConflict while another one is under way. Asks for
   * the root key.
   */
  async revertLayout(
    change: number,
    { signal }: RequestOptions = {},
  ): Promise<{ readonly reverted: boolean }> {
    const path = "/api/v1/cluster/layout/revert";
    const request = { method: "POST", path, ...jsonBody({ change }), effect: "repeatable", signal } as const;
    const { reverted } = await this.#requests.ask(request);
    if (typeof reverted !== "boolean") throw notUnderstood();
    return { reverted };
  }

  /** The node that answers. */
  async status(options: RequestOptions = {}): Promise<ClusterStatus> {
    const { signal } = options;
    const path = "/api/v1/cluster/status";
    return statusFrom(await this.#requests.ask({ method: "GET", path, effect: "read", signal }));
  }

  /** Which nodes hold how much, in numbers and as a drawing. Asks for the root key. */
  async layout({ signal, ...drawing }: RequestOptions & DrawingOptions = {}): Promise<Layout> {
    const path = "/api/v1/cluster/layout";
    const query = drawingQuery(drawing);
    return layoutFrom(await this.#requests.ask({ method: "GET", path, query, effect: "read", signal }));
  }

  /** What nodes that join, leave or change weight would move; changes nothing. Asks for the root key. */
  async previewLayout(
    proposal: LayoutProposal,
    { signal, ...drawing }: RequestOptions & DrawingOptions = {},
  ): Promise<LayoutPreview> {
    const path = "/api/v1/cluster/layout/preview";
    const body = { kind: "bytes", data: utf8(JSON.stringify(proposal)) } as const;
    const headers = { "content-type": "application/json" };
    const query = drawingQuery(drawing);
    return previewFrom(
      await this.#requests.ask({ method: "POST", path, query, headers, body, effect: "read", signal }),
    );
  }

  /**
   * Checks what the node that answers stores, reading only: problems, notes and progress as they come, the summary last
   * (its `clean` is the verdict). Asks for the root key.
   */
  async *fsck(options: FsckOptions = {}): AsyncGenerator<FsckEvent, void, undefined> {
    const { deep, within, signal } = options;
    const { bucket, prefix } =
      within === undefined ? { bucket: undefined, prefix: undefined } : namePrefix(within);
    const query = queryText({ deep: deep === true ? "true" : undefined, bucket, prefix });
    const request = { method: "GET", path: "/api/v1/fsck", query, effect: "read", signal } as const;
    yield* readFsckEvents(await this.#requests.send(request));
  }

  /** Begins to read everything the node stores once more, at full speed; the answer says how far it is. Root key. */
  startScrub(options: RequestOptions = {}): Promise<ScrubStatus> {
    return this.#scrub("POST", options);
  }

  /** How far the scrub is, and what the last one found. Root key. */
  scrubStatus(options: RequestOptions = {}): Promise<ScrubStatus> {
    return this.#scrub("GET", options);
  }

  async #scrub(method: "GET" | "POST", { signal }: RequestOptions): Promise<ScrubStatus> {
    const path = "/api/v1/scrub";
    return scrubFrom(
      await readAnswer(await this.#requests.send({ method, path, effect: "repeatable", signal })),
    );
  }

  /** Ends connections that were kept for later. Calls under way go on. */
  close(): void {
    this.#requests.close();
  }
}

function nodePath(id: string): string {
  return `/api/v1/cluster/nodes/${uriEncode(id)}`;
}

function jsonBody(document: object) {
  const headers = { "content-type": "application/json" };
  return { headers, body: { kind: "bytes", data: utf8(JSON.stringify(document)) } } as const;
}

/** Nothing that a stream's answer could hold. */
function isLong(range: ReadFileOptions["range"]): boolean {
  if (range === undefined) return false;
  if ("lastBytes" in range) return range.lastBytes > streamLimits.bodyBytesMax;
  return range.last !== undefined && range.last - range.first >= streamLimits.bodyBytesMax;
}

function rangeHeader(range: ReadFileOptions["range"]): string | undefined {
  if (range === undefined) return undefined;
  const numbers = "lastBytes" in range ? [range.lastBytes] : [range.first, range.last ?? range.first];
  if (numbers.some((number) => !Number.isSafeInteger(number) || number < 0)) {
    throw new StoreError("InvalidArgument", "A range is made of whole numbers of bytes.");
  }
  if ("lastBytes" in range) return `bytes=-${range.lastBytes}`;
  if (range.last !== undefined && range.last < range.first)
    throw new StoreError("InvalidArgument", "A range ends behind its start.");
  return `bytes=${range.first}-${range.last ?? ""}`;
}
