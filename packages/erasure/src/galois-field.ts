/**
 * GF(2^8) modulo x^8 + x^4 + x^3 + x^2 + 1 (0x11d), in which x (2) generates all 255 values that are not zero. Addition
 * is XOR. The polynomial is part of the stored format: fragments written with it are decoded with it for ever.
 */

import { assert } from "@holdfast/base";

const polynomial = 0x11d;

const { powers, logarithms } = ((): { readonly powers: Uint8Array; readonly logarithms: Uint8Array } => {
  // Twice the period, so that a sum of two logarithms needs no modulo.
  const powers = new Uint8Array(2 * 255);
  const logarithms = new Uint8Array(256);
  let value = 1;
  for (let exponent = 0; exponent < 255; exponent++) {
    powers[exponent] = value;
    powers[exponent + 255] = value;
    logarithms[value] = exponent;
    value <<= 1;
    if (value > 0xff) value ^= polynomial;
  }
  return { powers, logarithms };
})();

export function multiply(a: number, b: number): number {
  if (a === 0 || b === 0) return 0;
  return powers[(logarithms[a] ?? 0) + (logarithms[b] ?? 0)] ?? 0;
}

export function invert(a: number): number {
  assert(a !== 0, "zero has no inverse");
  return powers[255 - (logarithms[a] ?? 0)] ?? 0;
}
