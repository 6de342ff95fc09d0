/** The node's Files: one object over the operations, each in its own file. Damage that it meets becomes a StoreError. */

import type { Awaitable, ErrorCode } from "@holdfast/base";
import { StoreError } from "@holdfast/base";
import type { Bucket } from "@holdfast/namespace";
import type { Journal } from "@holdfast/ports";
import { bucketSettings, checkRedundancy, spread } from "../buckets/defaults.ts";
import { asDamage } from "../damage.ts";
import { bucketSubject } from "../refusal.ts";
import type { FilesContext } from "./context.ts";
import { copyFile } from "./copy-file.ts";
import { deleteFile } from "./delete-file.ts";
import type {
  BucketInfo,
  CompleteUploadRequest,
  CopyFileRequest,
  CreateBucketRequest,
  CreateUploadRequest,
  DeleteFileRequest,
  FileInfo,
  FilePage,
  FilePartPage,
  FileReading,
  Files,
  ListFilePartsRequest,
  ListFilesRequest,
  ListPartsRequest,
  ListUploadsRequest,
  PartPage,
  ReadFileRequest,
  RequestContext,
  StoredFile,
  StoredPart,
  StoreFileRequest,
  StorePartRequest,
  UploadInfo,
  UploadPage,
  UploadReference,
} from "./interface.ts";
import { listFiles, listParts, listUploads } from "./list.ts";
import { listFileParts, readFile, statFile } from "./read-file.ts";
import { RequestJournal } from "./request-journal.ts";
import { storeFile } from "./store-file.ts";
import { Traffic } from "./traffic.ts";
import { abortUpload, completeUpload, createUpload, storePart } from "./uploads.ts";

export class NodeFiles implements Files {
  readonly #context: FilesContext;
  readonly #traffic: Traffic;

  constructor(context: FilesContext, traffic: Traffic = new Traffic()) {
    this.#context = context;
    this.#traffic = traffic;
  }

  /** Operations that have not ended. */
  get underWay(): number {
    return this.#traffic.underWay;
  }

  within({ requestId }: RequestContext): NodeFiles {
    const journal = new RequestJournal(this.#context.journal, requestId);
    return new NodeFiles({ ...this.#context, journal }, this.#traffic);
  }

  /** Refuses what comes from now on and resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#traffic.close(
      new StoreError("Stopped", "The node is stopping. Ask another node, or this one again later."),
    );
    await this.#traffic.idle();
  }

  /**
   * Refuses everything from now on, reads too: an entry whose write failed may be in the log all the same, and show
   * after a restart what a read on the failed node did not.
   */
  fail(reason: StoreError): void {
    this.#traffic.close(reason);
  }

  createBucket(request: CreateBucketRequest): Promise<BucketInfo> {
    return this.#run(async ({ admin, clusterShardCount, defaultRedundancy, placeableCount }) => {
      const settings = bucketSettings(request.settings, defaultRedundancy());
      checkRedundancy(settings.redundancy, placeableCount());
      const { name, owner } = request;
      return bucketInfo(await admin.create({ name, owner, ...spread(name, clusterShardCount), settings }));
    });
  }

  deleteBucket(name: string): Promise<void> {
    return this.#run(({ admin }) => admin.delete(name));
  }

  bucket(name: string): Promise<BucketInfo> {
    return this.#run(async ({ directory }) => bucketInfo(await directory.readable(name)));
  }

  listBuckets(): Promise<readonly BucketInfo[]> {
    return this.#run(async ({ directory }) => {
      const buckets = await directory.all();
      return buckets.filter((bucket) => bucket.state !== "creating").map(bucketInfo);
    });
  }

  storeFile(request: StoreFileRequest): Promise<StoredFile> {
    return this.#run((context) => storeFile(context, request));
  }

  readFile(request: ReadFileRequest): Promise<FileReading> {
    return this.#run((context) => readFile(context, request));
  }

  statFile(request: ReadFileRequest): Promise<FileInfo> {
    return this.#run((context) => statFile(context, request));
  }

  listFileParts(request: ListFilePartsRequest): Promise<FilePartPage> {
    return this.#run((context) => listFileParts(context, request));
  }

  deleteFile(request: DeleteFileRequest): Promise<{ readonly existed: boolean }> {
    return this.#run((context) => deleteFile(context, request));
  }

  copyFile(request: CopyFileRequest): Promise<StoredFile> {
    return this.#run((context) => copyFile(context, request));
  }

  listFiles(request: ListFilesRequest): Promise<FilePage> {
    return this.#run((context) => listFiles(context, request));
  }

  createUpload(request: CreateUploadRequest): Promise<UploadInfo> {
    return this.#run((context) => createUpload(context, request));
  }

  storePart(request: StorePartRequest): Promise<StoredPart> {
    return this.#run((context) => storePart(context, request));
  }

  completeUpload(request: CompleteUploadRequest): Promise<StoredFile> {
    return this.#run((context) => completeUpload(context, request));
  }

  abortUpload(request: UploadReference): Promise<void> {
    return this.#run((context) => abortUpload(context, request));
  }

  listParts(request: ListPartsRequest): Promise<PartPage> {
    return this.#run((context) => listParts(context, request));
  }

  listUploads(request: ListUploadsRequest): Promise<UploadPage> {
    return this.#run((context) => listUploads(context, request));
  }

  async #run<T>(operation: (context: FilesContext) => Awaitable<T>): Promise<T> {
    this.#traffic.enter();
    try {
      const result = operation(this.#context);
      return result instanceof Promise ? await result : result;
    } catch (error) {
      if (isAboutBucket(error)) this.#context.directory.doubt();
      const damage = asDamage(error);
      logFault(this.#context.journal, damage);
      throw damage;
    } finally {
      this.#traffic.leave();
    }
  }
}

/** The shard has closed or forgotten the bucket that was looked up for it. */
function isAboutBucket(error: unknown): boolean {
  return (
    error instanceof StoreError && error.code === "Overloaded" && error.fields["subject"] === bucketSubject
  );
}

/** Refusals are the client's to know. What went wrong in here is written down where the cause is still known. */
function logFault(journal: Journal, error: unknown): void {
  if (error instanceof StoreError && (error.cause === undefined || !faults.has(error.code))) return;
  const code = error instanceof StoreError ? error.code : "Internal";
  const cause = error instanceof StoreError ? error.cause : error;
  journal.error("operation failed", { code, message: String(error), cause: String(cause) });
}

const faults: ReadonlySet<ErrorCode> = new Set(["Internal", "DataCorrupt", "OutcomeUnknown", "Unavailable"]);

function bucketInfo({ name, owner, createdAtMs, settings }: Bucket): BucketInfo {
  return { name, owner, createdAtMs, settings };
}
