/**
 * Room for byte strings. An array with memory of its own costs ten times what a view of shared memory does, and later
 * the collector's time; so the short ones are carved off slabs. A slab lives as long as any array carved off it. So what is
 * dropped soon and what stays for a while have slabs of their own, and what is kept by itself for long has none.
 */

const slabBytes = 64 * 1024;
/** Longer ones have memory of their own: they cost what they cost, and would waste a slab's end. */
const carvedBytesMax = 16 * 1024;
/** Up to here the engine keeps the bytes within the object. */
const embeddedBytesMax = 64;

export class Slabs {
  #slab = new ArrayBuffer(0);
  #used = 0;

  /** Zeroed, and nobody else's. */
  newBytes(length: number): Uint8Array {
    if (length <= embeddedBytesMax || length > carvedBytesMax) return new Uint8Array(length);
    if (this.#used + length > this.#slab.byteLength) {
      this.#slab = new ArrayBuffer(slabBytes);
      this.#used = 0;
    }
    const bytes = new Uint8Array(this.#slab, this.#used, length);
    this.#used += length;
    return bytes;
  }

  copy(bytes: Uint8Array): Uint8Array {
    const copy = this.newBytes(bytes.length);
    copy.set(bytes);
    return copy;
  }
}

/** For what is dropped soon: entries under way, values that were read. */
export const briefSlabs: Slabs = new Slabs();

/** For keys and values that wait for the store. They outlive young memory, and would hold on to all that shared a slab with them. */
export const waitingSlabs: Slabs = new Slabs();
