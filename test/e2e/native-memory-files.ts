/** The store's interface over plain maps: enough for the native API and its client to be tested end to end without a node. */

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { concatBytes, StoreError, utf8 } from "@holdfast/base";
import type {
  BucketInfo,
  CompleteUploadRequest,
  CopyFileRequest,
  CreateBucketRequest,
  CreateUploadRequest,
  DeleteFileRequest,
  EtagMatch,
  FileAttributes,
  FileChecksum,
  FileInfo,
  FilePage,
  FileReading,
  Files,
  IncomingBody,
  ListFilesRequest,
  ListPartsRequest,
  ListUploadsRequest,
  PartPage,
  ReadFileRequest,
  ResolvedRange,
  StoredFile,
  StoredPart,
  StoreFileRequest,
  StorePartRequest,
  UploadInfo,
  UploadPage,
  UploadReference,
} from "@holdfast/node";

interface MemoryFile {
  readonly data: Uint8Array;
  readonly version: string;
  readonly etag: string;
  readonly crc32: number;
  readonly modifiedAtMs: number;
  readonly attributes: FileAttributes;
  readonly partCount: number | undefined;
}

interface MemoryUpload {
  readonly info: UploadInfo;
  readonly attributes: FileAttributes;
  readonly parts: Map<number, { readonly stored: StoredPart; readonly data: Uint8Array }>;
}

const chunkBytes = 64 * 1024;

export class MemoryFiles implements Files {
  readonly buckets = new Map<
    string,
    { readonly info: BucketInfo; readonly files: Map<string, MemoryFile> }
  >();
  readonly uploads = new Map<string, MemoryUpload>();
  #count = 0;

  within(): this {
    return this;
  }

  createBucket(request: CreateBucketRequest): Promise<BucketInfo> {
    return this.#answer(() => {
      if (this.buckets.has(request.name))
        throw new StoreError("BucketAlreadyOwnedByYou", "It is yours already.");
      const settings = {
        redundancy: { dataFragments: 1, parityFragments: 0 },
        blockBytes: 1 << 20,
        ...request.settings,
      };
      const info = { name: request.name, owner: request.owner, createdAtMs: 1_700_000_000_000, settings };
      this.buckets.set(request.name, { info, files: new Map() });
      return info;
    });
  }

  deleteBucket(name: string): Promise<void> {
    return this.#answer(() => {
      if (this.#files(name).size > 0) throw new StoreError("BucketNotEmpty", "It has files.");
      this.buckets.delete(name);
    });
  }

  bucket(name: string): Promise<BucketInfo> {
    return this.#answer(() => {
      this.#files(name);
      return this.buckets.get(name)?.info ?? fail("BucketNotFound");
    });
  }

  listBuckets(): Promise<readonly BucketInfo[]> {
    return this.#answer(() =>
      [...this.buckets.values()].map(({ info }) => info).sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
  }

  async storeFile(request: StoreFileRequest): Promise<StoredFile> {
    const files = this.#files(request.bucket);
    const data = await receive(request.body);
    return this.#commit(files, request.key, data, request, hashText(data), undefined);
  }

  async readFile(request: ReadFileRequest): Promise<FileReading> {
    const { file, info } = this.#find(request);
    const { offset, bytes } = info.range;
    return { file: info, body: chunked(file.data.subarray(offset, offset + bytes)) };
  }

  async statFile(request: ReadFileRequest): Promise<FileInfo> {
    return this.#find(request).info;
  }

  deleteFile(request: DeleteFileRequest): Promise<{ readonly existed: boolean }> {
    return this.#answer(() => {
      const files = this.#files(request.bucket);
      checkConditions(request.condition, files.get(request.key)?.etag);
      return { existed: files.delete(request.key) };
    });
  }

  copyFile(request: CopyFileRequest): Promise<StoredFile> {
    return this.#answer(() => {
      const { file } = this.#find(request.source);
      const target = { condition: request.condition, attributes: request.attributes ?? file.attributes };
      return this.#commit(
        this.#files(request.bucket),
        request.key,
        file.data,
        target,
        file.etag,
        file.partCount,
      );
    });
  }

  listFiles(request: ListFilesRequest): Promise<FilePage> {
    return this.#answer(() => {
      const { prefix, delimiter, after, limit } = request;
      const files: FilePage["files"][number][] = [];
      const prefixes: string[] = [];
      let last = "";
      for (const [key, file] of [...this.#files(request.bucket)].sort(([a], [b]) =>
        Buffer.compare(utf8(a), utf8(b)),
      )) {
        if (!key.startsWith(prefix)) continue;
        const cut = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
        const name = cut < 0 ? key : key.slice(0, cut + delimiter.length);
        if (Buffer.compare(utf8(name), utf8(after)) <= 0 || name === last) continue;
        if (files.length + prefixes.length === limit) return { files, prefixes, next: last };
        last = name;
        const { contentType } = file.attributes;
        if (cut < 0) files.push({ key, bytes: file.data.length, checksum: undefined, contentType, ...file });
        else prefixes.push(name);
      }
      return { files, prefixes, next: undefined };
    });
  }

  createUpload(request: CreateUploadRequest): Promise<UploadInfo> {
    return this.#answer(() => {
      this.#files(request.bucket);
      this.#count += 1;
      const info = { ...request, uploadId: `upload-${this.#count}`, createdAtMs: 1_700_000_000_000 };
      this.uploads.set(info.uploadId, { info, attributes: request.attributes, parts: new Map() });
      return info;
    });
  }

  async storePart(request: StorePartRequest): Promise<StoredPart> {
    const upload = this.#upload(request);
    const data = await receive(request.body);
    const { part } = request;
    const stored = {
      part,
      bytes: data.length,
      etag: hashText(data),
      checksum: checksumOf(data),
      modifiedAtMs: 1,
    };
    upload.parts.set(part, { stored, data });
    return stored;
  }

  completeUpload(request: CompleteUploadRequest): Promise<StoredFile> {
    return this.#answer(() => {
      const upload = this.#upload(request);
      const data = concatBytes(
        request.parts.map(({ part, etag }) => {
          const found = upload.parts.get(part);
          if (found?.stored.etag !== etag) throw new StoreError("InvalidPart", "No such part.");
          return found.data;
        }),
      );
      if (
        request.checksum !== undefined &&
        Buffer.compare(request.checksum.value, checksumOf(data).value) !== 0
      ) {
        throw new StoreError("ChecksumMismatch", "The parts are not that file.");
      }
      const target = { condition: request.condition, attributes: upload.attributes };
      const etag = `${hashText(data)}-${request.parts.length}`;
      const stored = this.#commit(
        this.#files(request.bucket),
        request.key,
        data,
        target,
        etag,
        request.parts.length,
      );
      this.uploads.delete(request.uploadId);
      return stored;
    });
  }

  abortUpload(request: UploadReference): Promise<void> {
    return this.#answer(() => {
      this.#upload(request);
      this.uploads.delete(request.uploadId);
    });
  }

  listParts(request: ListPartsRequest): Promise<PartPage> {
    return this.#answer(() => {
      const { info, parts } = this.#upload(request);
      const listed = [...parts.values()]
        .map(({ stored }) => stored)
        .filter(({ part }) => part > request.afterPart);
      return { upload: info, parts: listed.sort((a, b) => a.part - b.part), next: undefined };
    });
  }

  listUploads(request: ListUploadsRequest): Promise<UploadPage> {
    return this.#answer(() => {
      const uploads = [...this.uploads.values()]
        .map(({ info }) => info)
        .filter(({ bucket }) => bucket === request.bucket);
      return { uploads, prefixes: [], next: undefined };
    });
  }

  /** As promises do: what throws rejects. */
  async #answer<T>(action: () => T): Promise<T> {
    return action();
  }

  #files(bucket: string): Map<string, MemoryFile> {
    return this.buckets.get(bucket)?.files ?? fail("BucketNotFound");
  }

  #upload(reference: UploadReference): MemoryUpload {
    return this.uploads.get(reference.uploadId) ?? fail("UploadNotFound");
  }

  #commit(
    files: Map<string, MemoryFile>,
    key: string,
    data: Uint8Array,
    target: { readonly condition: StoreFileRequest["condition"]; readonly attributes: FileAttributes },
    etag: string,
    partCount: number | undefined,
  ): StoredFile {
    checkConditions(target.condition, files.get(key)?.etag);
    this.#count += 1;
    const version = `v${this.#count}`;
    const file = {
      data,
      version,
      etag,
      crc32: crc32(data),
      modifiedAtMs: 1_700_000_000_123,
      attributes: target.attributes,
      partCount,
    };
    files.set(key, file);
    return { version, bytes: data.length, etag, checksum: checksumOf(data), modifiedAtMs: file.modifiedAtMs };
  }

  #find(request: ReadFileRequest): { readonly file: MemoryFile; readonly info: FileInfo } {
    const file = this.#files(request.bucket).get(request.key) ?? fail("FileNotFound");
    const { ifMatch, ifNoneMatch } = request.condition ?? {};
    if (ifMatch !== undefined && !matches(ifMatch, file.etag)) fail("ConditionFailed");
    if (ifNoneMatch !== undefined && matches(ifNoneMatch, file.etag)) {
      throw new StoreError("NotModified", "The same.", { fields: { etag: file.etag } });
    }
    const { bucket, key } = request;
    const range = resolve(request.range, file.data.length);
    return {
      file,
      info: { ...file, bucket, key, bytes: file.data.length, checksum: checksumOf(file.data), range },
    };
  }
}

function fail(code: "BucketNotFound" | "FileNotFound" | "UploadNotFound" | "ConditionFailed"): never {
  throw new StoreError(code, `${code}.`);
}

function resolve(range: ReadFileRequest["range"], total: number): ResolvedRange {
  if (range === undefined || range.kind === "part") return { offset: 0, bytes: total };
  if (range.kind === "suffix")
    return { offset: Math.max(0, total - range.bytes), bytes: Math.min(total, range.bytes) };
  if (range.first >= total)
    throw new StoreError("InvalidRange", "Behind the end.", { fields: { bytes: total } });
  return { offset: range.first, bytes: Math.min(range.last ?? total - 1, total - 1) - range.first + 1 };
}

function checkConditions(condition: StoreFileRequest["condition"], etag: string | undefined): void {
  const { ifMatch, ifNoneMatch } = condition;
  if (ifMatch !== undefined && !matches(ifMatch, etag))
    throw new StoreError("ConditionFailed", "Another version.");
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, etag))
    throw new StoreError("ConditionFailed", "It is there.");
}

function matches(match: EtagMatch, etag: string | undefined): boolean {
  return etag !== undefined && (match.kind === "any" || match.etags.includes(etag));
}

function hashText(data: Uint8Array): string {
  return createHash("md5").update(data).digest("hex");
}

function checksumOf(data: Uint8Array): FileChecksum & { readonly value: Buffer } {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(data));
  return { algorithm: "crc32", scope: "full", value };
}

async function receive(body: IncomingBody): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body.chunks) chunks.push(chunk);
  const data = concatBytes(chunks);
  if (body.bytes !== undefined && body.bytes !== data.length)
    throw new StoreError("IncompleteBody", "Another length.");
  for (const { algorithm, value } of body.expectedDigests()) {
    const actual =
      algorithm === "crc32" ? checksumOf(data).value : createHash(algorithm).update(data).digest();
    if (Buffer.compare(actual, value) !== 0)
      throw new StoreError("ChecksumMismatch", `Another ${algorithm}.`);
  }
  return data;
}

async function* chunked(data: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < data.length; offset += chunkBytes)
    yield data.subarray(offset, offset + chunkBytes);
}
