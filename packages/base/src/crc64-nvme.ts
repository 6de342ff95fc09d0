/**
 * CRC-64/NVME, the checksum S3 calls CRC64NVME (reflected polynomial 0x9A6C9329AC4BC9B5, all ones in and out).
 * Slicing-by-8 on 32-bit halves: eight bytes a step, no BigInt on the way.
 */

const polynomialHigh = 0x9a6c_9329;
const polynomialLow = 0xac4b_c9b5;

/** Entry `256 * k + b`: what byte `b` contributes when `k` bytes follow it within the step. */
const tables: { readonly high: Uint32Array; readonly low: Uint32Array } = (() => {
  const high = new Uint32Array(8 * 256);
  const low = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let [h, l] = [0, byte];
    for (let bit = 0; bit < 8; bit++) {
      const carry = l & 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (carry === 1) [h, l] = [h ^ polynomialHigh, l ^ polynomialLow];
    }
    high[byte] = h;
    low[byte] = l;
  }
  for (let i = 256; i < 8 * 256; i++) {
    const [h, l] = [high[i - 256] ?? 0, low[i - 256] ?? 0];
    high[i] = (h >>> 8) ^ (high[l & 0xff] ?? 0);
    low[i] = ((l >>> 8) | (h << 24)) ^ (low[l & 0xff] ?? 0);
  }
  return { high, low };
})();

/** Step by step; `finish` gives the eight bytes big-endian, as S3 sends them, and may be called once. */
export class Crc64Nvme {
  #high = 0xffff_ffff;
  #low = 0xffff_ffff;

  update(data: Uint8Array): void {
    const { high: tableHigh, low: tableLow } = tables;
    let high = this.#high;
    let low = this.#low;
    let i = 0;
    const end = data.length - (data.length % 8);
    while (i < end) {
      const a =
        low ^
        ((data[i] ?? 0) |
          ((data[i + 1] ?? 0) << 8) |
          ((data[i + 2] ?? 0) << 16) |
          ((data[i + 3] ?? 0) << 24));
      const b =
        high ^
        ((data[i + 4] ?? 0) |
          ((data[i + 5] ?? 0) << 8) |
          ((data[i + 6] ?? 0) << 16) |
          ((data[i + 7] ?? 0) << 24));
      const [a0, a1, a2, a3] = [
        0x700 | (a & 0xff),
        0x600 | ((a >>> 8) & 0xff),
        0x500 | ((a >>> 16) & 0xff),
        0x400 | (a >>> 24),
      ];
      const [b0, b1, b2, b3] = [
        0x300 | (b & 0xff),
        0x200 | ((b >>> 8) & 0xff),
        0x100 | ((b >>> 16) & 0xff),
        b >>> 24,
      ];
      high =
        (tableHigh[a0] ?? 0) ^
        (tableHigh[a1] ?? 0) ^
        (tableHigh[a2] ?? 0) ^
        (tableHigh[a3] ?? 0) ^
        (tableHigh[b0] ?? 0) ^
        (tableHigh[b1] ?? 0) ^
        (tableHigh[b2] ?? 0) ^
        (tableHigh[b3] ?? 0);
      low =
        (tableLow[a0] ?? 0) ^
        (tableLow[a1] ?? 0) ^
        (tableLow[a2] ?? 0) ^
        (tableLow[a3] ?? 0) ^
        (tableLow[b0] ?? 0) ^
        (tableLow[b1] ?? 0) ^
        (tableLow[b2] ?? 0) ^
        (tableLow[b3] ?? 0);
      i += 8;
    }
    for (; i < data.length; i++) {
      const index = (low ^ (data[i] ?? 0)) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ (tableLow[index] ?? 0);
      high = (high >>> 8) ^ (tableHigh[index] ?? 0);
    }
    this.#high = high;
    this.#low = low;
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(8);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, ~this.#high >>> 0);
    view.setUint32(4, ~this.#low >>> 0);
    return bytes;
  }
}
