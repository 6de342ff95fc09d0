import { BlockDigest, rotateLeft } from "./block-digest.ts";

/** RFC 1321: floor(2^32 * |sin(i + 1)|). */
const sines: Uint32Array = Uint32Array.from({ length: 64 }, (_, i) =>
  Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))),
);

/** A simulation spends much of its time here: the state is four integers, and no step makes an object. */
export class Md5 extends BlockDigest {
  #a = 0x6745_2301;
  #b = 0xefcd_ab89 | 0;
  #c = 0x98ba_dcfe | 0;
  #d = 0x1032_5476;

  constructor() {
    super(true);
  }

  protected override mix(words: Uint32Array): void {
    let a = this.#a;
    let b = this.#b;
    let c = this.#c;
    let d = this.#d;
    for (let i = 0; i < 16; i += 4) {
      a = turned(a + ((b & c) | (~b & d)) + at(sines, i) + at(words, i), 7, b);
      d = turned(d + ((a & b) | (~a & c)) + at(sines, i + 1) + at(words, i + 1), 12, a);
      c = turned(c + ((d & a) | (~d & b)) + at(sines, i + 2) + at(words, i + 2), 17, d);
      b = turned(b + ((c & d) | (~c & a)) + at(sines, i + 3) + at(words, i + 3), 22, c);
    }
    for (let i = 16; i < 32; i += 4) {
      a = turned(a + ((d & b) | (~d & c)) + at(sines, i) + at(words, (5 * i + 1) & 15), 5, b);
      d = turned(d + ((c & a) | (~c & b)) + at(sines, i + 1) + at(words, (5 * (i + 1) + 1) & 15), 9, a);
      c = turned(c + ((b & d) | (~b & a)) + at(sines, i + 2) + at(words, (5 * (i + 2) + 1) & 15), 14, d);
      b = turned(b + ((a & c) | (~a & d)) + at(sines, i + 3) + at(words, (5 * (i + 3) + 1) & 15), 20, c);
    }
    for (let i = 32; i < 48; i += 4) {
      a = turned(a + (b ^ c ^ d) + at(sines, i) + at(words, (3 * i + 5) & 15), 4, b);
      d = turned(d + (a ^ b ^ c) + at(sines, i + 1) + at(words, (3 * (i + 1) + 5) & 15), 11, a);
      c = turned(c + (d ^ a ^ b) + at(sines, i + 2) + at(words, (3 * (i + 2) + 5) & 15), 16, d);
      b = turned(b + (c ^ d ^ a) + at(sines, i + 3) + at(words, (3 * (i + 3) + 5) & 15), 23, c);
    }
    for (let i = 48; i < 64; i += 4) {
      a = turned(a + (c ^ (b | ~d)) + at(sines, i) + at(words, (7 * i) & 15), 6, b);
      d = turned(d + (b ^ (a | ~c)) + at(sines, i + 1) + at(words, (7 * (i + 1)) & 15), 10, a);
      c = turned(c + (a ^ (d | ~b)) + at(sines, i + 2) + at(words, (7 * (i + 2)) & 15), 15, d);
      b = turned(b + (d ^ (c | ~a)) + at(sines, i + 3) + at(words, (7 * (i + 3)) & 15), 21, c);
    }
    this.#a = (this.#a + a) | 0;
    this.#b = (this.#b + b) | 0;
    this.#c = (this.#c + c) | 0;
    this.#d = (this.#d + d) | 0;
  }

  protected override words(): readonly number[] {
    return [this.#a, this.#b, this.#c, this.#d];
  }
}

function at(words: Uint32Array, position: number): number {
  return words[position] ?? 0;
}

function turned(sum: number, bits: number, base: number): number {
  return (rotateLeft(sum | 0, bits) + base) | 0;
}
