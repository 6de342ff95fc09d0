import { BlockDigest, rotateLeft } from "./block-digest.ts";

/** FIPS 180-4, section 4.2.2: the first 32 bits of the fractions of the cube roots of the first 64 primes. */
const roundWords: Uint32Array = Uint32Array.from(
  (
    "428a2f98 71374491 b5c0fbcf e9b5dba5 3956c25b 59f111f1 923f82a4 ab1c5ed5 d807aa98 12835b01 243185be 550c7dc3 " +
    "72be5d74 80deb1fe 9bdc06a7 c19bf174 e49b69c1 efbe4786 0fc19dc6 240ca1cc 2de92c6f 4a7484aa 5cb0a9dc 76f988da " +
    "983e5152 a831c66d b00327c8 bf597fc7 c6e00bf3 d5a79147 06ca6351 14292967 27b70a85 2e1b2138 4d2c6dfc 53380d13 " +
    "650a7354 766a0abb 81c2c92e 92722c85 a2bfe8a1 a81a664b c24b8b70 c76c51a3 d192e819 d6990624 f40e3585 106aa070 " +
    "19a4c116 1e376c08 2748774c 34b0bcb5 391c0cb3 4ed8aa4a 5b9cca4f 682e6ff3 748f82ee 78a5636f 84c87814 8cc70208 " +
    "90befffa a4506ceb bef9a3f7 c67178f2"
  )
    .split(" ")
    .map((word) => Number.parseInt(word, 16)),
);

/** FIPS 180-4, section 6.2. */
export class Sha256 extends BlockDigest {
  readonly #state: Uint32Array = new Uint32Array([
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]);

  constructor() {
    super(false);
  }

  protected override mix(words: Uint32Array): void {
    const w = schedule(words);
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = this.#state;
    for (let i = 0; i < 64; i++) {
      const sigma1 = rotateLeft(e, 26) ^ rotateLeft(e, 21) ^ rotateLeft(e, 7);
      const sum1 = (h + sigma1 + ((e & f) ^ (~e & g)) + (roundWords[i] ?? 0) + (w[i] ?? 0)) | 0;
      const sigma0 = rotateLeft(a, 30) ^ rotateLeft(a, 19) ^ rotateLeft(a, 10);
      const sum2 = (sigma0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [a, b, c, d, e, f, g, h] = [(sum1 + sum2) | 0, a, b, c, (d + sum1) | 0, e, f, g];
    }
    for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) this.#state[i] = (this.#state[i] ?? 0) + word;
  }

  protected override words(): readonly number[] {
    return [...this.#state];
  }
}

function schedule(words: Uint32Array): Uint32Array {
  const w = new Uint32Array(64);
  w.set(words);
  const at = (i: number): number => w[i] ?? 0;
  for (let i = 16; i < 64; i++) {
    const [x, y] = [at(i - 15), at(i - 2)];
    const sigma0 = rotateLeft(x, 25) ^ rotateLeft(x, 14) ^ (x >>> 3);
    const sigma1 = rotateLeft(y, 15) ^ rotateLeft(y, 13) ^ (y >>> 10);
    w[i] = at(i - 16) + sigma0 + at(i - 7) + sigma1;
  }
  return w;
}
