/**
 * A file that is being read. A connection that breaks on the way is taken up again where it broke, on whatever endpoint answers,
 * as long as the file is still the same version. The CRC-32 is checked when a whole file was read.
 */

import { concatBytes, StoreError, utf8Text } from "@holdfast/base";
import { etagHeader } from "./conditions.ts";
import type { FileInfo } from "./file-info.ts";
import { fileInfo } from "./file-info.ts";
import type { FileName } from "./file-name.ts";
import { filePath } from "./file-name.ts";
import type { Platform } from "./platform.ts";
import type { Requests } from "./requests.ts";
import { retryDelayMs } from "./retry-delay.ts";
import type { TransportResponse } from "./transport.ts";

/** A slice of a file, in bytes. */
export interface ResolvedRange {
  readonly offset: number;
  readonly bytes: number;
}

export interface FileReadingOptions {
  readonly requests: Requests;
  readonly platform: Platform;
  readonly name: FileName;
  readonly response: TransportResponse;
  readonly signal: AbortSignal | undefined;
  /** Into a local file, as `downloadFile` does it. */
  readonly save: (reading: FileReading, path: string) => Promise<void>;
}

/** Broken connections in a row, without a byte in between, that a reading survives. */
const breaksMax = 3;

/**
 * Read it once, in one of four ways: `for await (const chunk of file)`, `file.stream`, `await file.bytes()` or `.text()`,
 * `await file.saveTo({ path })`; or `cancel` it. Until then it holds a connection.
 */
export class FileReading implements AsyncIterable<Uint8Array> {
  /** The version that is read: its size is `info.bytes`, whatever the range. */
  readonly info: FileInfo;
  /** What is read of it. */
  readonly range: ResolvedRange;
  readonly #options: FileReadingOptions;
  #isTaken = false;
  #stream: ReadableStream<Uint8Array> | undefined;

  constructor(options: FileReadingOptions) {
    this.#options = options;
    this.info = fileInfo(options.name, options.response.headers);
    this.range = rangeOf(options.response, this.info.bytes);
  }

  /** Names this content of the file; without quotes. */
  get etag(): string {
    return this.info.etag;
  }

  /** Opaque; names this version of the file. */
  get version(): string {
    return this.info.version;
  }

  get userMetadata(): Readonly<Record<string, string>> {
    return this.info.userMetadata;
  }

  /** As a web stream. */
  get stream(): ReadableStream<Uint8Array> {
    this.#stream ??= webStream(this[Symbol.asyncIterator]());
    return this.#stream;
  }

  /**
   * Throws StoreError ChecksumMismatch when a whole file is not what was stored, Unavailable when it cannot be read to its end,
   * and the signal's reason when that was aborted.
   */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    if (this.#isTaken)
      throw new StoreError("InvalidRequest", "This file has been read already: call readFile again.");
    this.#isTaken = true;
    return this.#chunks();
  }

  /** Everything in memory. */
  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this) chunks.push(chunk);
    return concatBytes(chunks);
  }

  /** Everything as text; StoreError InvalidRequest when it is not UTF-8. */
  async text(): Promise<string> {
    const bytes = await this.bytes();
    try {
      return utf8Text(bytes);
    } catch (cause) {
      throw new StoreError("InvalidRequest", "The file is not text in UTF-8: use bytes().", { cause });
    }
  }

  /** Into a file on this machine (Node alone), in place when all of it came; what was there stays until then. */
  async saveTo(target: { readonly path: string }): Promise<void> {
    await this.#options.save(this, target.path);
  }

  /** Lets go of the connection. Does nothing once somebody reads. */
  cancel(): void {
    if (this.#isTaken) return;
    this.#isTaken = true;
    this.#options.response.cancel();
  }

  async *#chunks(): AsyncGenerator<Uint8Array, void, void> {
    const { signal, platform } = this.#options;
    const end = this.range.offset + this.range.bytes;
    let { response } = this.#options;
    let offset = this.range.offset;
    let crc32 = 0;
    for (let breaks = 0; ; ) {
      try {
        for await (const chunk of response.body) {
          offset += chunk.length;
          breaks = 0;
          crc32 = platform.crc32(chunk, crc32);
          yield chunk;
        }
        if (offset >= end) break;
        throw new Error("the answer ended early");
      } catch (cause) {
        signal?.throwIfAborted();
        if (offset >= end) break;
        breaks += 1;
        if (breaks > breaksMax) {
          throw new StoreError(
            "Unavailable",
            "The connection broke again and again: read the file again later.",
            { cause },
          );
        }
        await platform.sleep(retryDelayMs(breaks - 1, platform.random), signal);
      }
      response = await this.#resume(offset, end);
    }
    this.#check(offset, crc32);
  }

  async #resume(offset: number, end: number): Promise<TransportResponse> {
    const { requests, name, signal } = this.#options;
    const headers = { range: `bytes=${offset}-${end - 1}`, "if-match": etagHeader(this.info.etag) };
    try {
      const response = await requests.send({
        method: "GET",
        path: filePath(name),
        headers,
        effect: "read",
        signal,
      });
      if (response.headers["content-range"]?.startsWith(`bytes ${offset}-${end - 1}/`) === true)
        return response;
      response.cancel();
      throw new StoreError("Unavailable", "The rest of the file is not to be had: read it again.");
    } catch (cause) {
      throw replacedBy(cause);
    }
  }

  #check(offset: number, crc32: number): void {
    const { bytes } = this.info;
    if (offset !== this.range.offset + this.range.bytes) {
      throw new StoreError("DataCorrupt", "The answer has more bytes than it stated.");
    }
    if (this.range.offset !== 0 || this.range.bytes !== bytes || crc32 === this.info.crc32) return;
    throw new StoreError(
      "ChecksumMismatch",
      "What was read is not what was stored: its CRC-32 differs. Read it again.",
      {
        fields: { etag: this.info.etag },
      },
    );
  }
}

/** What a refusal under If-Match means to somebody who has read a part already; other failures as they are. */
export function replacedBy(cause: unknown): unknown {
  if (!(cause instanceof StoreError)) return cause;
  if (cause.code !== "ConditionFailed" && cause.code !== "FileNotFound") return cause;
  const message = "The file was replaced while it was read: read it again.";
  return new StoreError("Unavailable", message, { fields: { replaced: true }, cause });
}

/** Whether a reading failed because its content is not the file's any more. */
export function isReplaced(cause: unknown): boolean {
  return cause instanceof StoreError && cause.fields["replaced"] === true;
}

function rangeOf(response: TransportResponse, fileBytes: number): ResolvedRange {
  const found = /^bytes (\d+)-(\d+)\//.exec(response.headers["content-range"] ?? "");
  if (response.status !== 206 || found === null) return { offset: 0, bytes: fileBytes };
  return { offset: Number(found[1]), bytes: Number(found[2]) - Number(found[1]) + 1 };
}

function webStream(chunks: AsyncGenerator<Uint8Array, void, void>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const step = await chunks.next();
        if (step.done === true) controller.close();
        else controller.enqueue(step.value);
      },
      async cancel() {
        await chunks.return();
      },
    },
    { highWaterMark: 0 },
  );
}
