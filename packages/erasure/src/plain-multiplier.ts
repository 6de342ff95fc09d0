/** The twin in plain TypeScript: for runtimes without WebAssembly SIMD, and to check the kernel against. */

import type { Matrix } from "./coding-matrix.ts";
import { multiply } from "./galois-field.ts";
import type { Multiplier } from "./multiplier.ts";
import { assertShape } from "./multiplier.ts";

/** Entry `256 * a + b` is a times b. Made at first use: who has the kernel does not need it. */
let products: Uint8Array | undefined;

export const plainMultiplier: Multiplier = {
  name: "plain TypeScript",
  multiply(matrix: Matrix, inputs: readonly Uint8Array[], outputs: readonly Uint8Array[]): void {
    assertShape(matrix, inputs, outputs);
    const table = (products ??= makeProducts());
    outputs.forEach((output, i) => {
      output.fill(0);
      inputs.forEach((input, j) => {
        addProduct(table, matrix[i]?.[j] ?? 0, input, output);
      });
    });
  },
};

function addProduct(table: Uint8Array, coefficient: number, input: Uint8Array, output: Uint8Array): void {
  const count = Math.min(output.length, input.length);
  const row = 256 * coefficient;
  for (let at = 0; at < count; at++) {
    output[at] = (output[at] ?? 0) ^ (table[row + (input[at] ?? 0)] ?? 0);
  }
}

function makeProducts(): Uint8Array {
  return Uint8Array.from({ length: 256 * 256 }, (_, i) => multiply(i >>> 8, i & 0xff));
}
