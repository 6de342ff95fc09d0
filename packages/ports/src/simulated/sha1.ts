import { BlockDigest, rotateLeft } from "./block-digest.ts";

type State = readonly [number, number, number, number, number];

/** FIPS 180-4, section 6.1. */
export class Sha1 extends BlockDigest {
  #state: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

  constructor() {
    super(false);
  }

  protected override mix(words: Uint32Array): void {
    const w = new Uint32Array(80);
    w.set(words);
    const at = (i: number): number => w[i] ?? 0;
    for (let i = 16; i < 80; i++) w[i] = rotateLeft(at(i - 3) ^ at(i - 8) ^ at(i - 14) ^ at(i - 16), 1);
    let [a, b, c, d, e] = this.#state;
    for (let i = 0; i < 80; i++) {
      const sum = (rotateLeft(a, 5) + choose(i, b, c, d) + e + at(i)) | 0;
      [a, b, c, d, e] = [sum, a, rotateLeft(b, 30), c, d];
    }
    const [a0, b0, c0, d0, e0] = this.#state;
    this.#state = [(a0 + a) | 0, (b0 + b) | 0, (c0 + c) | 0, (d0 + d) | 0, (e0 + e) | 0];
  }

  protected override words(): readonly number[] {
    return this.#state;
  }
}

function choose(i: number, b: number, c: number, d: number): number {
  if (i < 20) return ((b & c) ^ (~b & d)) + 0x5a82_7999;
  if (i < 40) return (b ^ c ^ d) + 0x6ed9_eba1;
  if (i < 60) return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1b_bcdc;
  return (b ^ c ^ d) + 0xca62_c1d6;
}
