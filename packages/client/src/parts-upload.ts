/**
 * An upload in parts. Each part carries its CRC-32, which the server checks; completing names the CRC-32 of the whole as this
 * side computed it, and the server holds it against what it stored, so that a file is either what was sent or not there.
 *
 * Parts may be sent again, since nobody sees them before the upload is completed; completing may be sent again too, since the
 * store keeps the first answer (S20). So nothing here is applied twice, however often connections break.
 */

import { crc32Combine, StoreError, utf8 } from "@holdfast/base";
import { abortUpload } from "./abort-upload.ts";
import { crc32Text } from "./crc32-text.ts";
import type { FileName } from "./file-name.ts";
import { filePath, queryText } from "./file-name.ts";
import type { StoredFile, UploadResume } from "./options.ts";
import { orAborted } from "./or-aborted.ts";
import { partsInFlight } from "./part-sizes.ts";
import type { Part, PartSource } from "./part-source.ts";
import type { Platform } from "./platform.ts";
import { notUnderstood } from "./read-answer.ts";
import type { Requests } from "./requests.ts";
import type { SentBytes } from "./sent-bytes.ts";
import { storedFile } from "./stored-file.ts";
import type { HeldPart } from "./uploaded-parts.ts";
import { uploadedParts } from "./uploaded-parts.ts";

export interface PartsUploadOptions {
  readonly requests: Requests;
  readonly platform: Platform;
  readonly name: FileName;
  readonly attributes: Readonly<Record<string, string | undefined>>;
  readonly conditions: Readonly<Record<string, string | undefined>>;
  readonly sent: SentBytes;
  readonly signal: AbortSignal | undefined;
}

interface SentPart {
  readonly part: number;
  readonly etag: string;
  readonly crc32: number;
  readonly bytes: number;
}

export class PartsUpload {
  readonly #options: PartsUploadOptions;
  readonly #path: string;

  constructor(options: PartsUploadOptions) {
    this.#options = options;
    this.#path = filePath(options.name, "uploads");
  }

  async run(parts: PartSource, partBytes: number, resume: UploadResume | undefined): Promise<StoredFile> {
    const { requests, signal } = this.#options;
    const from = resume?.from;
    const held =
      from === undefined ? undefined : await uploadedParts(requests, this.#path, from.uploadId, signal);
    const uploadId = from !== undefined && held !== undefined ? from.uploadId : await this.#begin();
    try {
      if (held === undefined) await resume?.onBegun?.({ uploadId, partBytes });
      const sent = await this.#sendAll(uploadId, parts, partsInFlight(partBytes), held ?? new Map());
      const stored = await this.#complete(uploadId, sent);
      await resume?.onEnded?.();
      return stored;
    } catch (cause) {
      if (isOver(cause, resume)) {
        await this.#abort(uploadId);
        await resume?.onEnded?.();
      }
      throw cause;
    }
  }

  async #begin(): Promise<string> {
    const { requests, attributes, signal } = this.#options;
    const { uploadId } = await requests.ask({
      method: "POST",
      path: this.#path,
      headers: attributes,
      // Nobody sees an upload that was begun twice; the node ends it in time.
      effect: "repeatable",
      signal,
    });
    if (typeof uploadId !== "string") throw notUnderstood();
    return uploadId;
  }

  /** So many senders take parts until there are no more: memory holds what they have in hand. */
  async #sendAll(
    uploadId: string,
    parts: PartSource,
    senders: number,
    held: ReadonlyMap<number, HeldPart>,
  ): Promise<readonly SentPart[]> {
    const sent: SentPart[] = [];
    // Ends the other senders as soon as one has failed for good.
    const stop = new AbortController();
    const outer = this.#options.signal;
    const signal = outer === undefined ? stop.signal : AbortSignal.any([stop.signal, outer]);
    const sendParts = async (): Promise<void> => {
      for (;;) {
        const part = await orAborted(parts.take(), signal);
        if (part === undefined) return;
        sent.push(
          (await this.#confirm(part, held.get(part.part))) ?? (await this.#send(uploadId, part, signal)),
        );
      }
    };
    const failures: unknown[] = [];
    const sending = Array.from({ length: senders }, () =>
      sendParts().catch((cause: unknown) => {
        failures.push(cause);
        stop.abort(cause);
      }),
    );
    await Promise.all(sending);
    if (failures.length > 0) throw failures[0];
    return sent.sort((a, b) => a.part - b.part);
  }

  /** What the server holds of an earlier call counts if it is the content as it is now. */
  async #confirm(part: Part, held: HeldPart | undefined): Promise<SentPart | undefined> {
    if (held === undefined || held.bytes !== part.bytes || part.read === undefined) return undefined;
    let crc32 = 0;
    for await (const chunk of part.read()) crc32 = this.#options.platform.crc32(chunk, crc32);
    if (crc32 !== held.crc32) return undefined;
    this.#options.sent.add(part.bytes);
    return { part: part.part, etag: held.etag, crc32, bytes: part.bytes };
  }

  async #send(uploadId: string, { part, load }: Part, signal: AbortSignal): Promise<SentPart> {
    const { requests, platform, sent } = this.#options;
    const data = await load();
    const crc32 = platform.crc32(data, 0);
    const { etag } = await requests.ask({
      method: "PUT",
      path: this.#path,
      query: queryText({ uploadId, part }),
      headers: { "x-holdfast-crc32": crc32Text(crc32) },
      body: { kind: "bytes", data },
      effect: "repeatable",
      signal,
      ...sent.request(),
    });
    if (typeof etag !== "string") throw notUnderstood();
    return { part, etag, crc32, bytes: data.length };
  }

  async #complete(uploadId: string, sent: readonly SentPart[]): Promise<StoredFile> {
    const { requests, conditions, signal } = this.#options;
    let crc32 = 0;
    for (const part of sent) crc32 = crc32Combine(crc32, part.crc32, part.bytes);
    const parts = sent.map(({ part, etag }) => ({ part, etag }));
    const answer = await requests.ask({
      method: "POST",
      path: this.#path,
      query: queryText({ uploadId }),
      headers: { ...conditions, "content-type": "application/json" },
      body: { kind: "bytes", data: utf8(JSON.stringify({ parts, crc32: crc32Text(crc32) })) },
      effect: "once",
      signal,
    });
    return storedFile(answer, crc32);
  }

  async #abort(uploadId: string): Promise<void> {
    try {
      await abortUpload(this.#options.requests, this.#path, uploadId, undefined);
    } catch {
      // The failure that led here is the one to report; the server lists open uploads, and ends them in time.
    }
  }
}

/**
 * Whether an upload that failed is of no more use to anybody. What may have become a file is left alone; what a later call can
 * finish is left open, unless the same would be refused again.
 */
function isOver(cause: unknown, resume: UploadResume | undefined): boolean {
  if (!(cause instanceof StoreError)) return resume === undefined;
  if (cause.outcome !== "not-applied") return false;
  return resume === undefined || !cause.retryable;
}
