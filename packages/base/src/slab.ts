/**
 * Room for byte strings. An array with memory of its own costs ten times what a view of shared memory does, and later
 * the collector's time; so the short ones are carved off slabs. A slab lives as long as any array carved off it: fit for
 * what soon goes on (an entry, a value on its way to the store), not for what is kept by itself for long.
 */

const slabBytes = 64 * 1024;
/** Longer ones have memory of their own: they cost what they cost, and would waste a slab's end. */
const carvedBytesMax = 16 * 1024;
/** Up to here the engine keeps the bytes within the object. */
const embeddedBytesMax = 64;

let slab = new ArrayBuffer(0);
let used = 0;

/** Zeroed, and nobody else's. */
export function newBytes(length: number): Uint8Array {
  if (length <= embeddedBytesMax || length > carvedBytesMax) return new Uint8Array(length);
  if (used + length > slab.byteLength) {
    slab = new ArrayBuffer(slabBytes);
    used = 0;
  }
  const bytes = new Uint8Array(slab, used, length);
  used += length;
  return bytes;
}

export function copyBytes(bytes: Uint8Array): Uint8Array {
  const copy = newBytes(bytes.length);
  copy.set(bytes);
  return copy;
}
