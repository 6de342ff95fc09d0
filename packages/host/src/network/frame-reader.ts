/**
 * Takes a connection's chunks apart. A frame that lies within one chunk is a view of it; one that does not is put together in
 * memory of its own, once, after its length was found to be allowed.
 */

import type { Hashing } from "@holdfast/ports";
import type { FrameHead, FrameKind } from "./frame-format.ts";
import { checkFrameCrc, checkPreface, greetingBytesMax, headBytes, readFrameHead } from "./frame-format.ts";

export interface FrameReaderOptions {
  readonly hashing: Hashing;
  readonly onFrame: (kind: FrameKind, payload: Uint8Array) => void;
}

export class FrameReader {
  /** Raised once the other side is known. */
  payloadBytesMax: number = greetingBytesMax;
  readonly #options: FrameReaderOptions;
  readonly #gatheredHead = new Uint8Array(headBytes);
  #hasPreface = false;
  #headBytes: Uint8Array | undefined;
  #head: FrameHead | undefined;
  /** Of the head or the payload that began in an earlier chunk. */
  #gathered: Uint8Array | undefined;
  #gatheredBytes = 0;
  #isStopped = false;

  constructor(options: FrameReaderOptions) {
    this.#options = options;
  }

  /** Throws FrameError; nothing may be pushed afterwards. The chunk's memory becomes the reader's. */
  push(chunk: Uint8Array): void {
    let offset = 0;
    while (!this.#isStopped) {
      const wanted = this.#head?.payloadBytes ?? headBytes;
      const piece = this.#take(chunk, offset, wanted);
      offset += piece.taken;
      if (piece.bytes === undefined) return;
      this.#onPiece(piece.bytes);
    }
  }

  /** Nothing more comes out, not even of the chunk at hand. */
  stop(): void {
    this.#isStopped = true;
  }

  /** `wanted` bytes from `offset` on, joined with what earlier chunks had of them; undefined when they are not all there. */
  #take(chunk: Uint8Array, offset: number, wanted: number): { taken: number; bytes: Uint8Array | undefined } {
    const missing = wanted - this.#gatheredBytes;
    const taken = Math.min(missing, chunk.length - offset);
    const part = chunk.subarray(offset, offset + taken);
    if (this.#gatheredBytes === 0 && taken === wanted) return { taken, bytes: part };
    if (taken === 0) return { taken, bytes: undefined };
    this.#gathered ??= this.#head === undefined ? this.#gatheredHead : new Uint8Array(wanted);
    this.#gathered.set(part, this.#gatheredBytes);
    this.#gatheredBytes += taken;
    if (taken < missing) return { taken, bytes: undefined };
    const bytes = this.#gathered;
    this.#gathered = undefined;
    this.#gatheredBytes = 0;
    return { taken, bytes };
  }

  #onPiece(bytes: Uint8Array): void {
    const head = this.#head;
    if (head !== undefined) {
      this.#head = undefined;
      checkFrameCrc(this.#headBytes ?? bytes, head, bytes, this.#options.hashing);
      this.#options.onFrame(head.kind, bytes);
    } else if (this.#hasPreface) {
      this.#headBytes = bytes;
      this.#head = readFrameHead(bytes, this.payloadBytesMax);
    } else {
      checkPreface(bytes);
      this.#hasPreface = true;
    }
  }
}
