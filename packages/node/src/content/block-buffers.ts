/**
 * Memory for blocks on their way in, used again and again: a fresh MiB costs the kernel 256 zeroed pages and the garbage
 * collector their return, more than copying the bytes does. It is shared memory, so that a hashing thread reads the block where
 * it is.
 */

export class BlockBuffers {
  readonly #blockBytes: number;
  readonly #free: Uint8Array[] = [];

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  /** What it holds is of no meaning. */
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(new SharedArrayBuffer(this.#blockBytes));
  }

  /** Only when nobody reads it any more: a block that failed to be stored is better left to the garbage collector. */
  giveBack(buffer: Uint8Array): void {
    this.#free.push(buffer);
  }
}
