/**
 * Memory for blocks on their way in, of all bodies, used again and again: a fresh MiB costs the kernel 256 zeroed pages and
 * the garbage collector their return, more than copying the bytes does. It is shared memory, so that a hashing thread reads
 * the block where it is.
 */

export class BlockBuffers {
  readonly #keptBytesMax: number;
  /** Free ones by length: buckets differ in the length of their blocks. */
  readonly #free = new Map<number, Uint8Array[]>();
  #keptBytes = 0;

  /** `keptBytesMax`: what is kept while nobody needs it. */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** What it holds is of no meaning. */
  take(blockBytes: number): Uint8Array {
    const kept = this.#free.get(blockBytes)?.pop();
    if (kept === undefined) return new Uint8Array(new SharedArrayBuffer(blockBytes));
    this.#keptBytes -= blockBytes;
    return kept;
  }

  /**
   * Only when nobody reads it any more, as the next body is written over it: a block that failed to be stored, or to be hashed, is
   * left to the garbage collector.
   */
  giveBack(buffer: Uint8Array): void {
    if (this.#keptBytes + buffer.length > this.#keptBytesMax) return;
    this.#keptBytes += buffer.length;
    const free = this.#free.get(buffer.length);
    if (free === undefined) this.#free.set(buffer.length, [buffer]);
    else free.push(buffer);
  }
}
