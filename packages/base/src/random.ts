/** Randomness as protocol code sees it: given at construction, never taken from the environment. */
export interface Random {
  /** Uniform in [0, 2^32). */
  uint32(): number;
  bytes(length: number): Uint8Array;
}

/** Uniform integer in [0, bound); bound in 1 to 2^32. Rejection sampling, so without bias. */
export function uniform(random: Random, bound: number): number {
  const limit = Math.floor(0x1_0000_0000 / bound) * bound;
  for (;;) {
    const value = random.uint32();
    if (value < limit) return value % bound;
  }
}

/** True with the given probability (0 to 1). */
export function chance(random: Random, probability: number): boolean {
  return random.uint32() < probability * 0x1_0000_0000;
}

/**
 * Deterministic generator for tests and simulation: xoshiro128** (Blackman and Vigna, 2018),
 * seeded by splitmix32. Not for secrets.
 */
export function seededRandom(seed: number): Random {
  let mix = seed >>> 0;
  const split = (): number => {
    mix = (mix + 0x9e37_79b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x85eb_ca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2_ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
  let [a, b, c, d] = [split(), split(), split(), split()];
  const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
  const uint32 = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11);
    return result;
  };
  const bytes = (length: number): Uint8Array => {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i += 4) {
      const word = uint32();
      for (let j = i; j < Math.min(i + 4, length); j++) out[j] = (word >>> (8 * (j - i))) & 0xff;
    }
    return out;
  };
  return { uint32, bytes };
}
