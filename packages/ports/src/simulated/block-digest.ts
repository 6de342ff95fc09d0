/** What MD5, SHA-1 and SHA-256 have in common: 64-byte blocks, and a last one with padding and the length in bits. */
export abstract class BlockDigest {
  readonly #block = new Uint8Array(64);
  readonly #view: DataView = new DataView(this.#block.buffer);
  readonly #words = new Uint32Array(16);
  readonly #littleEndian: boolean;
  #filled = 0;
  #bytes = 0;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  /** Takes one block, sixteen words, into the state. */
  protected abstract mix(words: Uint32Array): void;
  /** The state's words, in the order of the digest. */
  protected abstract words(): readonly number[];

  update(data: Uint8Array): void {
    this.#bytes += data.length;
    for (let taken = 0; taken < data.length; ) {
      if (this.#filled === 0 && data.length - taken >= 64) {
        const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
        for (; data.length - taken >= 64; taken += 64) this.#mixBlock(view, taken);
        continue;
      }
      const part = data.subarray(taken, taken + 64 - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      taken += part.length;
      if (this.#filled < 64) continue;
      this.#mixBlock(this.#view, 0);
      this.#filled = 0;
    }
  }

  finish(): Uint8Array {
    const high = Math.floor((this.#bytes * 8) / 0x1_0000_0000);
    const low = (this.#bytes * 8) >>> 0;
    this.update(new Uint8Array([0x80]));
    if (this.#filled > 56) this.update(new Uint8Array(64 - this.#filled));
    this.#block.fill(0, this.#filled);
    this.#view.setUint32(56, this.#littleEndian ? low : high, this.#littleEndian);
    this.#view.setUint32(60, this.#littleEndian ? high : low, this.#littleEndian);
    this.#mixBlock(this.#view, 0);
    const words = this.words();
    const digest = new Uint8Array(4 * words.length);
    const view = new DataView(digest.buffer);
    for (const [i, word] of words.entries()) view.setUint32(4 * i, word >>> 0, this.#littleEndian);
    return digest;
  }

  #mixBlock(view: DataView, offset: number): void {
    const words = this.#words;
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(offset + 4 * i, this.#littleEndian);
    this.mix(words);
  }
}

export function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
