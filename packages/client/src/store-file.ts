/**
 * Storing a file: in one request, or as an upload in parts when it is large or its length is unknown. The CRC-32 goes along
 * wherever the bytes are at hand beforehand; where they are streamed, it is compared with what the server stored.
 */

import { MiB } from "@holdfast/base";
import { attributeHeaders } from "./attributes.ts";
import { conditionHeaders, writeEffect } from "./conditions.ts";
import type { Source } from "./content.ts";
import { pieces, readWhole } from "./content.ts";
import { crc32Text } from "./crc32-text.ts";
import type { FileName } from "./file-name.ts";
import { filePath } from "./file-name.ts";
import type { StoredFile, StoreFileOptions } from "./options.ts";
import { partBytesFor, pieceBytes } from "./part-sizes.ts";
import { rereadableParts, streamParts } from "./part-source.ts";
import { PartsUpload } from "./parts-upload.ts";
import type { Platform } from "./platform.ts";
import type { Requests } from "./requests.ts";
import { SentBytes } from "./sent-bytes.ts";
import { storedFile } from "./stored-file.ts";
import type { OutgoingBody } from "./transport.ts";

/** Larger files are sent in parts. */
const singleRequestBytesMax = 64 * MiB;

type Rereadable = Extract<Source, { readonly kind: "bytes" | "sized" }>;

export class FileStoring {
  readonly #requests: Requests;
  readonly #platform: Platform;
  readonly #name: FileName;
  readonly #options: StoreFileOptions;
  readonly #attributes: Readonly<Record<string, string | undefined>>;
  readonly #sent: SentBytes;

  constructor(requests: Requests, platform: Platform, name: FileName, options: StoreFileOptions) {
    this.#requests = requests;
    this.#platform = platform;
    this.#name = name;
    this.#options = options;
    this.#attributes = attributeHeaders(options);
    this.#sent = new SentBytes(options.onProgress);
  }

  run(source: Source): Promise<StoredFile> {
    if (source.kind === "stream") return this.#storeStream(source.chunks);
    return this.#storeRereadable(source);
  }

  async #storeRereadable(source: Rereadable): Promise<StoredFile> {
    const bytes = source.kind === "bytes" ? source.data.length : source.bytes;
    this.#sent.totalBytes = bytes;
    // Where bodies must be hashed before they leave, a body has to fit in memory.
    const { signsBodies } = this.#requests;
    const isInMemory = source.kind === "bytes";
    if (bytes > (signsBodies && !isInMemory ? pieceBytes : singleRequestBytesMax)) {
      const { resume } = this.#options;
      const partBytes = resume?.from?.partBytes ?? partBytesFor(bytes);
      return this.#upload().run(rereadableParts(source, partBytes), partBytes, resume);
    }
    if (source.kind === "bytes") return this.#putBytes(source.data);
    if (bytes <= MiB || signsBodies) return this.#putBytes(await readWhole(source, 0, bytes));
    return this.#putSized(() => source.read(0, bytes), bytes);
  }

  #putBytes(data: Uint8Array): Promise<StoredFile> {
    return this.#put({ kind: "bytes", data }, () => this.#platform.crc32(data, 0));
  }

  /** Streamed without being held: the CRC-32 is known when the last byte left, and compared with the answer's. */
  #putSized(open: () => AsyncIterable<Uint8Array>, bytes: number): Promise<StoredFile> {
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
    const iterator = pieces(chunks);
    try {
      const first = await iterator.next();
      const second = first.done === true ? first : await iterator.next();
      if (first.done === true) return await this.#storeRereadable({ kind: "bytes", data: new Uint8Array(0) });
      if (second.done === true) return await this.#storeRereadable({ kind: "bytes", data: first.value });
      const parts = streamParts([first.value, second.value], iterator);
      return await this.#upload().run(parts, pieceBytes, undefined);
    } finally {
      // Not waited for: a source that is silent would hold up a call that was aborted.
      void iterator.return(undefined).catch(() => undefined);
    }
  }

  #upload(): PartsUpload {
    return new PartsUpload({
      requests: this.#requests,
      platform: this.#platform,
      name: this.#name,
      attributes: this.#attributes,
      conditions: conditionHeaders(this.#options),
      sent: this.#sent,
      signal: this.#options.signal,
    });
  }

  async #put(body: OutgoingBody, crc32: () => number): Promise<StoredFile> {
    const known = body.kind === "bytes" ? { "x-holdfast-crc32": crc32Text(crc32()) } : {};
    const answer = await this.#requests.ask({
      method: "PUT",
      path: filePath(this.#name),
      headers: { ...this.#attributes, ...conditionHeaders(this.#options), ...known },
      body,
      effect: writeEffect(this.#options),
      operation: { kind: "storeFile", ...this.#name },
      signal: this.#options.signal,
      ...this.#sent.request(),
    });
    return storedFile(answer, crc32());
  }
}
