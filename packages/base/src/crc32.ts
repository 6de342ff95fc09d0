/**
 * CRC-32 (IEEE 802.3, reflected 0xEDB88320) in plain code, and the rule that joins two CRCs
 * into that of the concatenation (as in zlib's crc32_combine), so that the checksum of a part
 * follows from those of its blocks. The Hashing port has the fast version of the former.
 */

const table: Uint32Array = (() => {
  const entries = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = (c & 1) !== 0 ? 0xedb8_8320 ^ (c >>> 1) : c >>> 1;
    entries[n] = c >>> 0;
  }
  return entries;
})();

/** CRC of `seedCrc`'s data followed by `data`; start with 0. */
export function crc32(data: Uint8Array, seedCrc: number = 0): number {
  let c = ~seedCrc;
  for (let i = 0; i < data.length; i++) c = (table[(c ^ (data[i] ?? 0)) & 0xff] ?? 0) ^ (c >>> 8);
  return ~c >>> 0;
}

/** a(x) * b(x) mod p(x), bit-reflected. */
function multiplyModP(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = 1 << 31; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= factor;
    factor = (factor & 1) !== 0 ? (factor >>> 1) ^ 0xedb8_8320 : factor >>> 1;
  }
  return product >>> 0;
}

/** squares[k] = x^(8 * 2^k) mod p(x): shifting by 2^k bytes. */
const squares: readonly number[] = (() => {
  let power = 1 << 23; // x^8, reflected
  const powers: number[] = [];
  for (let k = 0; k < 53; k++) {
    powers.push(power >>> 0);
    power = multiplyModP(power, power);
  }
  return powers;
})();

/** CRC of A followed by B, from the CRCs of both and the length of B in bytes (below 2^53). */
export function crc32Combine(crcA: number, crcB: number, bytesB: number): number {
  let shifted = crcA;
  let rest = bytesB;
  for (let k = 0; rest > 0; k++) {
    if (rest % 2 === 1) shifted = multiplyModP(squares[k] ?? 0, shifted);
    rest = Math.floor(rest / 2);
  }
  return (shifted ^ crcB) >>> 0;
}
