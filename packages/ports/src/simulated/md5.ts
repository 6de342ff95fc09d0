import { BlockDigest, rotateLeft } from "./block-digest.ts";

/** RFC 1321: floor(2^32 * |sin(i + 1)|). */
const sines: readonly number[] = Array.from({ length: 64 }, (_, i) =>
  Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))),
);
const shifts: readonly (readonly number[])[] = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];

export class Md5 extends BlockDigest {
  #state: readonly [number, number, number, number] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

  constructor() {
    super(true);
  }

  protected override mix(words: Uint32Array): void {
    let [a, b, c, d] = this.#state;
    for (let i = 0; i < 64; i++) {
      const { value, word } = step(i, b, c, d);
      const sum = a + value + (sines[i] ?? 0) + (words[word] ?? 0);
      const rotated = rotateLeft(sum | 0, shifts[i >>> 4]?.[i & 3] ?? 0);
      [a, b, c, d] = [d, (b + rotated) | 0, b, c];
    }
    const [a0, b0, c0, d0] = this.#state;
    this.#state = [(a0 + a) | 0, (b0 + b) | 0, (c0 + c) | 0, (d0 + d) | 0];
  }

  protected override words(): readonly number[] {
    return this.#state;
  }
}

function step(i: number, b: number, c: number, d: number): { readonly value: number; readonly word: number } {
  if (i < 16) return { value: (b & c) | (~b & d), word: i };
  if (i < 32) return { value: (d & b) | (~d & c), word: (5 * i + 1) % 16 };
  if (i < 48) return { value: b ^ c ^ d, word: (3 * i + 5) % 16 };
  return { value: c ^ (b | ~d), word: (7 * i) % 16 };
}
