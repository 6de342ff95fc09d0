/**
 * Contents made from an id and a length, and known by their ETag, which is what a history has as value: whoever reads an ETag can
 * check every byte, and nothing has to be kept.
 */

import { createCipheriv, createHash } from "node:crypto";
import { MiB } from "@holdfast/base";

export interface MadeContent {
  readonly etag: string;
  readonly bytes: Uint8Array;
}

/** How the client cuts a stream into parts. */
const partBytes = 16 * MiB;

export class Contents {
  readonly #known = new Map<string, { readonly id: number; readonly bytes: number }>();
  #count = 0;

  /** One that there was never before. `inParts`: it will be stored as a stream. */
  make(bytes: number, inParts: boolean = false): MadeContent {
    const id = ++this.#count;
    const content = contentBytes(id, bytes);
    const etag = inParts ? etagOfParts(content) : md5(content).toString("hex");
    this.#known.set(etag, { id, bytes });
    return { etag, bytes: content };
  }

  /** What is wrong with bytes that were shown under this ETag; undefined when nothing is. */
  problemOf(etag: string, found: Uint8Array): string | undefined {
    const known = this.#known.get(etag);
    if (known === undefined) return `ETag ${etag}, which nobody wrote`;
    if (known.bytes !== found.length)
      return `content ${known.id} has ${known.bytes} bytes, ${found.length} came`;
    const at = Buffer.compare(contentBytes(known.id, known.bytes), found);
    return at === 0 ? undefined : `content ${known.id} came with other bytes than were stored`;
  }

  isKnown(etag: string): boolean {
    return this.#known.has(etag);
  }
}

/** A key stream: no two ids have a piece in common. */
function contentBytes(id: number, bytes: number): Uint8Array {
  const key = Buffer.alloc(16);
  key.writeUInt32BE(id, 0);
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

function etagOfParts(content: Uint8Array): string {
  const digests: Uint8Array[] = [];
  for (let offset = 0; offset < content.length; offset += partBytes)
    digests.push(md5(content.subarray(offset, offset + partBytes)));
  return `${md5(Buffer.concat(digests)).toString("hex")}-${digests.length}`;
}

function md5(bytes: Uint8Array): Buffer {
  return createHash("md5").update(bytes).digest();
}
