/**
 * Storing a file: in one request, or as an upload in parts when it is large or its length is unknown. The CRC-32 goes along
 * wherever the bytes are at hand beforehand; where they are streamed, it is compared with what the server stored.
 */

import { crc32Combine, MiB, StoreError, utf8 } from "@holdfast/base";
import { attributeHeaders } from "./attributes.ts";
import { conditionHeaders } from "./conditions.ts";
import type { Source } from "./content.ts";
import { pieces } from "./content.ts";
import type { FileName } from "./file-name.ts";
import { filePath, queryText } from "./file-name.ts";
import type { StoredFile, StoreFileOptions } from "./options.ts";
import type { Platform } from "./platform.ts";
import type { Answer } from "./read-answer.ts";
import { notUnderstood, readAnswer } from "./read-answer.ts";
import type { Requests } from "./requests.ts";
import type { OutgoingBody } from "./transport.ts";

/** Larger files are sent in parts. */
const singleRequestBytesMax = 64 * MiB;
/** What is read into memory before it is sent, and the size of a part. */
const pieceBytes = 16 * MiB;
const partsInFlightMax = 4;
/** The server's limit on the number of parts. */
const partsMax = 10_000;

export class FileStoring {
  readonly #requests: Requests;
  readonly #platform: Platform;
  readonly #name: FileName;
  readonly #options: StoreFileOptions;
  readonly #attributes: Readonly<Record<string, string | undefined>>;
  readonly #conditions: Readonly<Record<string, string | undefined>>;
  #totalBytes: number | undefined;
  #sentBytes = 0;

  constructor(requests: Requests, platform: Platform, name: FileName, options: StoreFileOptions) {
    this.#requests = requests;
    this.#platform = platform;
    this.#name = name;
    this.#options = options;
    this.#attributes = attributeHeaders(options);
    this.#conditions = conditionHeaders(options);
  }

  async run(source: Source): Promise<StoredFile> {
    if (source.kind === "bytes") return this.#storeBytes(source.data);
    if (source.kind === "stream") return this.#storeStream(source.chunks);
    this.#totalBytes = source.bytes;
    const whole = { offset: 0, bytes: source.bytes };
    if (source.bytes <= MiB)
      return this.#storeBytes(await gather(source.read(0, source.bytes), source.bytes));
    // Where bodies must be hashed before they leave, a body has to fit in memory.
    const inParts = source.bytes > (this.#requests.signsBodies ? pieceBytes : singleRequestBytesMax);
    if (!inParts) {
      if (this.#requests.signsBodies)
        return this.#storeBytes(await gather(source.read(0, source.bytes), source.bytes));
      return this.#storeSized(() => source.read(whole.offset, whole.bytes), source.bytes);
    }
    return this.#storeParts(sizedPieces(source, partBytesFor(source.bytes)));
  }

  #storeBytes(data: Uint8Array): Promise<StoredFile> {
    this.#totalBytes = data.length;
    if (data.length > singleRequestBytesMax)
      return this.#storeParts(memoryPieces(data, partBytesFor(data.length)));
    return this.#put({ kind: "bytes", data }, () => this.#platform.crc32(data, 0));
  }

  /** Streamed without being held: the CRC-32 is known when the last byte left, and compared with the answer's. */
  #storeSized(open: () => AsyncIterable<Uint8Array>, bytes: number): Promise<StoredFile> {
    let crc32 = 0;
    const platform = this.#platform;
    async function* counted(): AsyncGenerator<Uint8Array> {
      crc32 = 0;
      for await (const chunk of open()) {
        crc32 = platform.crc32(chunk, crc32);
        yield chunk;
      }
    }
    return this.#put({ kind: "stream", bytes, open: counted }, () => crc32);
  }

  /** Up to one piece is kept until it is known whether more follows; then it goes out in parts. */
  async #storeStream(chunks: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const iterator = pieces(chunks, pieceBytes);
    try {
      const first = await iterator.next();
      const second = first.done === true ? first : await iterator.next();
      if (first.done === true) return await this.#storeBytes(new Uint8Array(0));
      if (second.done === true) return await this.#storeBytes(first.value);
      return await this.#storeParts(chained([first.value, second.value], iterator));
    } finally {
      await iterator.return(undefined);
    }
  }

  async #put(body: OutgoingBody, crc32: () => number): Promise<StoredFile> {
    const known = body.kind === "bytes" ? { "x-holdfast-crc32": crc32Text(crc32()) } : {};
    const response = await this.#requests.send({
      method: "PUT",
      path: filePath(this.#name),
      headers: { ...this.#attributes, ...this.#conditions, ...known },
      body,
      effect: "write",
      signal: this.#options.signal,
      onSent: (bytes) => this.#advance(bytes),
    });
    return this.#stored(await readAnswer(response), crc32());
  }

  #stored(answer: Answer, crc32: number): StoredFile {
    const { version, etag, bytes } = answer;
    if (typeof version !== "string" || typeof etag !== "string" || typeof bytes !== "number")
      throw notUnderstood();
    if (answer["crc32"] !== undefined && answer["crc32"] !== crc32Text(crc32)) {
      const message = "The stored file is not what was sent: its CRC-32 differs. Store it again.";
      throw new StoreError("ChecksumMismatch", message, { outcome: "applied", fields: { etag, version } });
    }
    return { version, etag, bytes };
  }

  async #storeParts(parts: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const path = filePath(this.#name, "uploads");
    const { signal } = this.#options;
    const begun = await this.#requests.send({
      method: "POST",
      path,
      headers: this.#attributes,
      effect: "repeatable",
      signal,
    });
    const { uploadId } = await readAnswer(begun);
    if (typeof uploadId !== "string") throw notUnderstood();
    try {
      const sent = await this.#sendParts(path, uploadId, parts);
      return await this.#complete(path, uploadId, sent);
    } catch (cause) {
      // What may have become a file is left alone; the parts of what did not are of no use to anybody.
      if (!(cause instanceof StoreError && cause.outcome !== "not-applied"))
        await this.#abort(path, uploadId);
      throw cause;
    }
  }

  /** Memory is bounded: the next piece is read when one of those in flight has been stored. */
  async #sendParts(
    path: string,
    uploadId: string,
    parts: AsyncIterable<Uint8Array>,
  ): Promise<readonly SentPart[]> {
    const sent: SentPart[] = [];
    const inFlight = new Set<Promise<void>>();
    let failure: { readonly cause: unknown } | undefined;
    // Ends the other parts as soon as one has failed for good.
    const stop = new AbortController();
    const signal =
      this.#options.signal === undefined ? stop.signal : AbortSignal.any([stop.signal, this.#options.signal]);
    let part = 0;
    try {
      for await (const data of parts) {
        part += 1;
        const sending: Promise<void> = this.#sendPart({ path, uploadId, part, data, signal })
          .then((done) => void sent.push(done))
          .catch((cause: unknown) => {
            failure ??= { cause };
            stop.abort(cause);
          })
          .finally(() => inFlight.delete(sending));
        inFlight.add(sending);
        if (inFlight.size >= partsInFlightMax) await Promise.race(inFlight);
        if (failure !== undefined) break;
      }
    } catch (cause) {
      failure ??= { cause };
      stop.abort(cause);
    }
    await Promise.all(inFlight);
    if (failure !== undefined) throw failure.cause;
    return sent.sort((a, b) => a.part - b.part);
  }

  async #sendPart(options: SendPartOptions): Promise<SentPart> {
    const { path, uploadId, part, data, signal } = options;
    if (part > partsMax)
      throw new StoreError(
        "BodyTooLarge",
        `A stream of unknown length has at most ${partsMax} parts of 16 MiB.`,
      );
    const crc32 = this.#platform.crc32(data, 0);
    const response = await this.#requests.send({
      method: "PUT",
      path,
      query: queryText({ uploadId, part }),
      headers: { "x-holdfast-crc32": crc32Text(crc32) },
      body: { kind: "bytes", data },
      effect: "repeatable",
      signal,
      onSent: (bytes) => this.#advance(bytes),
    });
    const { etag } = await readAnswer(response);
    if (typeof etag !== "string") throw notUnderstood();
    return { part, etag, crc32, bytes: data.length };
  }

  async #complete(path: string, uploadId: string, sent: readonly SentPart[]): Promise<StoredFile> {
    let crc32 = 0;
    for (const part of sent) crc32 = crc32Combine(crc32, part.crc32, part.bytes);
    const parts = sent.map(({ part, etag }) => ({ part, etag }));
    const response = await this.#requests.send({
      method: "POST",
      path,
      query: queryText({ uploadId }),
      headers: { ...this.#conditions, "content-type": "application/json" },
      body: { kind: "bytes", data: utf8(JSON.stringify({ parts, crc32: crc32Text(crc32) })) },
      effect: "write",
      signal: this.#options.signal,
    });
    return this.#stored(await readAnswer(response), crc32);
  }

  async #abort(path: string, uploadId: string): Promise<void> {
    try {
      const response = await this.#requests.send({
        method: "DELETE",
        path,
        query: queryText({ uploadId }),
        effect: "repeatable",
      });
      response.cancel();
    } catch {
      // The failure that led here is the one to report; the server lists open uploads, and ends them in time.
    }
  }

  #advance(bytes: number): void {
    this.#sentBytes += bytes;
    this.#options.onProgress?.({ sentBytes: this.#sentBytes, totalBytes: this.#totalBytes });
  }
}

interface SendPartOptions {
  readonly path: string;
  readonly uploadId: string;
  readonly part: number;
  readonly data: Uint8Array;
  readonly signal: AbortSignal;
}

interface SentPart {
  readonly part: number;
  readonly etag: string;
  readonly crc32: number;
  readonly bytes: number;
}

/** Eight hexadecimal digits. */
function crc32Text(crc32: number): string {
  return crc32.toString(16).padStart(8, "0");
}

async function gather(chunks: AsyncIterable<Uint8Array>, bytes: number): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes);
  let filled = 0;
  for await (const chunk of chunks) {
    if (filled + chunk.length > bytes) throw changed();
    whole.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < bytes) throw changed();
  return whole;
}

function changed(): StoreError {
  return new StoreError("IncompleteBody", "The content changed its length while it was read.");
}

/** A whole number of MiB, so that the parts of any file fit in the server's limit. */
function partBytesFor(bytes: number): number {
  return Math.max(pieceBytes, Math.ceil(bytes / partsMax / MiB) * MiB);
}

async function* sizedPieces(
  source: Source & { readonly kind: "sized" },
  partBytes: number,
): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < source.bytes; offset += partBytes) {
    const bytes = Math.min(partBytes, source.bytes - offset);
    yield await gather(source.read(offset, bytes), bytes);
  }
}

async function* memoryPieces(data: Uint8Array, partBytes: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < data.length; offset += partBytes)
    yield data.subarray(offset, offset + partBytes);
}

async function* chained(
  first: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* first;
  yield* rest;
}
