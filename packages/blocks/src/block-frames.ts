/**
 * Memory for blocks on their way in and out, used again and again: a fresh MiB costs the kernel 256 zeroed pages, and the
 * garbage collector their return. A frame is laid out as a needle stands in its volume, page by page: room for the header,
 * the body, the rest of the last page. So a block goes to the disk from where it lies, and hashing threads read it there.
 *
 * A body that nobody recycles is left to the garbage collector, which is always right: one that failed to be stored or
 * hashed, or whose reader went away, may still be read by whoever is at work on it.
 */

import { KiB, MiB } from "@holdfast/base";
import type { PageMemory } from "@holdfast/ports";
import { pageBytes } from "@holdfast/ports";
import { alignUp, needleHeaderBytes } from "./needle.ts";

export interface FrameSizes {
  /**
   * Shorter bodies are gathered with others; below 256 KiB, what a page's rest wastes counts for more than what a frame saves.
   * Frames come in multiples of it, so that one is of use to blocks of other lengths, too.
   */
  readonly framedBytesMin: number;
  /** Memory that is kept while nobody needs it. */
  readonly keptBytesMax: number;
}

/**
 * Kept is what sixteen bodies have in hand. What is dropped instead was in use for so long that only a look at the whole heap
 * frees it, and V8, which does not count shared memory, sees no reason for one.
 */
export const frameSizesDefault: FrameSizes = { framedBytesMin: 256 * KiB, keptBytesMax: 48 * MiB };

export class BlockFrames {
  readonly framedBytesMin: number;
  readonly #memory: PageMemory;
  readonly #keptBytesMax: number;
  /** Those that are not in use, by their length. */
  readonly #free = new Map<number, Uint8Array[]>();
  /** Those in use, by their memory. */
  readonly #taken = new WeakMap<ArrayBufferLike, Uint8Array>();
  #keptBytes = 0;

  constructor(memory: PageMemory, { framedBytesMin, keptBytesMax }: FrameSizes = frameSizesDefault) {
    this.framedBytesMin = framedBytesMin;
    this.#memory = memory;
    this.#keptBytesMax = keptBytesMax;
  }

  /** Memory for a body. What it holds is of no meaning. */
  take(bodyBytes: number): Uint8Array {
    const length = alignUp(alignUp(bodyBytes, this.framedBytesMin), pageBytes) + pageBytes;
    const pages = this.#reused(length) ?? this.#memory.allocate(length);
    this.#taken.set(pages.buffer, pages);
    return pages.subarray(needleHeaderBytes, needleHeaderBytes + bodyBytes);
  }

  /** Writes into a body; as its `set`, and faster. */
  fill(body: Uint8Array, at: number, bytes: Uint8Array): void {
    this.#memory.copy(bytes, body, at);
  }

  /** The frame around a body, from room for its header on; undefined when the body does not begin one. */
  around(body: Uint8Array): Uint8Array | undefined {
    return body.byteOffset === needleHeaderBytes ? this.#taken.get(body.buffer) : undefined;
  }

  /** Once, when nobody reads the body any more, nor any part of it. What lies in no frame is nobody's concern. */
  recycle(body: Uint8Array): void {
    const pages = this.#taken.get(body.buffer);
    if (pages === undefined) return;
    this.#taken.delete(body.buffer);
    if (this.#keptBytes + pages.length > this.#keptBytesMax) return;
    this.#keptBytes += pages.length;
    const free = this.#free.get(pages.length);
    if (free === undefined) this.#free.set(pages.length, [pages]);
    else free.push(pages);
  }

  #reused(length: number): Uint8Array | undefined {
    const pages = this.#free.get(length)?.pop();
    if (pages !== undefined) this.#keptBytes -= length;
    return pages;
  }
}
