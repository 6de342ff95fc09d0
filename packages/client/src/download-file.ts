/**
 * A file of the store into a file on this machine. Small ones come in one stream; large ones in pieces, several at once, each written
 * where it belongs. All of them are of one content (If-Match), and the target appears when the CRC-32 of the whole is
 * that of the stored file: never a part, never a mixture.
 */

import { crc32Combine, KiB, StoreError } from "@holdfast/base";
import type { FileInfo } from "./file-info.ts";
import type { FileReading } from "./file-reading.ts";
import { isReplaced, replacedBy } from "./file-reading.ts";
import type { DownloadFileOptions, ReadFileOptions } from "./options.ts";
import { partBytesFor, partsInFlight, pieceBytes } from "./part-sizes.ts";
import type { LocalFiles, PartialFile, Platform } from "./platform.ts";

export interface FileDownloadOptions {
  readonly platform: Platform;
  readonly localFiles: LocalFiles;
  readonly read: (options: ReadFileOptions) => Promise<FileReading>;
  readonly path: string;
  readonly options: DownloadFileOptions;
}

/** From here on in pieces. */
const inPiecesBytesMin = 2 * pieceBytes;
/** How often a download begins again because the file was replaced meanwhile. */
const contentsMax = 4;
/** Chunks as they come from the network are written so many together. */
const writeBytes = 512 * KiB;

export class FileDownload {
  readonly #download: FileDownloadOptions;
  #receivedBytes = 0;

  constructor(download: FileDownloadOptions) {
    this.#download = download;
  }

  async run(): Promise<FileInfo> {
    const { read, options } = this.#download;
    for (let contents = 1; ; contents++) {
      const reading = await read({ ifMatch: options.ifMatch, signal: options.signal });
      try {
        await this.save(reading);
        return reading.info;
      } catch (cause) {
        // Nothing has been handed out yet: the new content is as good as the old one, unless a certain one was asked for.
        if (!isReplaced(cause) || options.ifMatch !== undefined || contents >= contentsMax) throw cause;
      }
    }
  }

  /** What `reading` is about, and nothing else. */
  async save(reading: FileReading): Promise<void> {
    this.#receivedBytes = 0;
    const isWhole = reading.range.bytes === reading.info.bytes;
    if (isWhole && reading.info.bytes >= inPiecesBytesMin) return this.#saveInPieces(reading);
    const { localFiles, path, options } = this.#download;
    const attributes = options.attributes?.(reading.info) ?? {};
    try {
      await localFiles.save(path, this.#counted(reading), { ...attributes, sync: options.sync === true });
    } finally {
      reading.cancel();
    }
  }

  async *#counted(reading: FileReading): AsyncGenerator<Uint8Array> {
    for await (const chunk of reading) {
      yield chunk;
      this.#advance(chunk.length, reading.info);
    }
  }

  async #saveInPieces(reading: FileReading): Promise<void> {
    const { localFiles, path, options } = this.#download;
    const { info } = reading;
    reading.cancel();
    const pieceBytes = partBytesFor(info.bytes);
    const { name, etag, bytes, crc32 } = info;
    const content = { name, etag, bytes, crc32, pieceBytes };
    const partial = await localFiles.openPartial(path, content, options.resume === true);
    try {
      const pieces = await this.#fetchPieces(partial, info, pieceBytes);
      checkWhole(pieces, info);
      await partial.finish(options.attributes?.(info) ?? {});
    } catch (cause) {
      // What nobody can continue goes: a content that is gone, or bytes that are not it.
      const isOver = isReplaced(cause) || (cause instanceof StoreError && !cause.retryable);
      if (isOver || options.resume !== true) await partial.discard();
      else await partial.keep();
      throw cause;
    }
  }

  async #fetchPieces(partial: PartialFile, info: FileInfo, pieceBytes: number): Promise<readonly Piece[]> {
    const pieces: Piece[] = [];
    const stop = new AbortController();
    const outer = this.#download.options.signal;
    const signal = outer === undefined ? stop.signal : AbortSignal.any([stop.signal, outer]);
    const count = Math.ceil(info.bytes / pieceBytes);
    let next = 0;
    const fetchPieces = async (): Promise<void> => {
      while (next < count) {
        const piece = next++;
        const offset = piece * pieceBytes;
        const place = { piece, offset, bytes: Math.min(pieceBytes, info.bytes - offset) };
        signal.throwIfAborted();
        pieces.push(
          (await this.#heldPiece(partial, info, place)) ??
            (await this.#fetchPiece(partial, info, place, signal)),
        );
      }
    };
    const failures: unknown[] = [];
    const fetching = Array.from({ length: partsInFlight(pieceBytes) }, () =>
      fetchPieces().catch((cause: unknown) => {
        failures.push(cause);
        stop.abort(cause);
      }),
    );
    await Promise.all(fetching);
    if (failures.length > 0) throw failures[0];
    return pieces.sort((a, b) => a.piece - b.piece);
  }

  /** What an earlier run wrote counts if it is there. */
  async #heldPiece(partial: PartialFile, info: FileInfo, place: PiecePlace): Promise<Piece | undefined> {
    const noted = partial.pieces.get(place.piece);
    if (noted === undefined) return undefined;
    let crc32 = 0;
    let bytes = 0;
    for await (const chunk of partial.read(place.offset, place.bytes)) {
      crc32 = this.#download.platform.crc32(chunk, crc32);
      bytes += chunk.length;
    }
    if (crc32 !== noted || bytes !== place.bytes) return undefined;
    this.#advance(bytes, info);
    return { ...place, crc32 };
  }

  async #fetchPiece(
    partial: PartialFile,
    info: FileInfo,
    place: PiecePlace,
    signal: AbortSignal,
  ): Promise<Piece> {
    const { read, platform } = this.#download;
    const range = { first: place.offset, last: place.offset + place.bytes - 1 };
    const reading = await read({ range, ifMatch: info.etag, signal }).catch((cause: unknown) => {
      throw replacedBy(cause);
    });
    const writer = new GatheringWriter(partial, place.offset);
    let crc32 = 0;
    for await (const chunk of reading) {
      crc32 = platform.crc32(chunk, crc32);
      await writer.write(chunk);
      this.#advance(chunk.length, info);
    }
    await writer.flush();
    if (writer.bytes !== place.bytes)
      throw new StoreError("DataCorrupt", "The answer is another range than asked for.");
    await partial.note(place.piece, crc32);
    return { ...place, crc32 };
  }

  #advance(bytes: number, info: FileInfo): void {
    this.#receivedBytes += bytes;
    this.#download.options.onProgress?.({ receivedBytes: this.#receivedBytes, totalBytes: info.bytes });
  }
}

interface PiecePlace {
  /** From 0. */
  readonly piece: number;
  readonly offset: number;
  readonly bytes: number;
}

interface Piece extends PiecePlace {
  readonly crc32: number;
}

function checkWhole(pieces: readonly Piece[], info: FileInfo): void {
  let crc32 = 0;
  for (const piece of pieces) crc32 = crc32Combine(crc32, piece.crc32, piece.bytes);
  if (crc32 === info.crc32) return;
  throw new StoreError(
    "ChecksumMismatch",
    "What was read is not what was stored: its CRC-32 differs. Read it again.",
    { fields: { etag: info.etag } },
  );
}

/** Gathers small chunks into larger writes. */
class GatheringWriter {
  bytes = 0;
  readonly #partial: PartialFile;
  readonly #offset: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(partial: PartialFile, offset: number) {
    this.#partial = partial;
    this.#offset = offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes >= writeBytes) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#waitingBytes === 0) return;
    const chunks = this.#waiting;
    const offset = this.#offset + this.bytes;
    this.bytes += this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    await this.#partial.write(offset, chunks);
  }
}
