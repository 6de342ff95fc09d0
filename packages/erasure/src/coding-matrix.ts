/**
 * The matrix that makes parity of data, fixed for ever: stored fragments are decoded with it.
 *
 * Construction: the Cauchy matrix 1 / (x_i + y_j) with x_i = 32 + i for parity fragment i and y_j = j for data fragment j
 * (Blömer et al., "An XOR-Based Erasure-Resilient Coding Scheme", ICSI TR-95-048, 1995), its columns and then its rows
 * scaled so that the first row and the first column are ones (Plank and Xu, "Optimizing Cauchy Reed-Solomon Codes for
 * Fault-Tolerant Network Storage Applications", NCA 2006, scale it likewise).
 *
 * Every square submatrix of a Cauchy matrix is invertible, and scaling rows and columns by values other than zero keeps
 * that. So any k rows of the identity over this matrix are invertible: any k of the k + m fragments give the block.
 *
 * An entry depends on its row and column alone: a code k + m uses the top left corner, and more parity can be added
 * without changing what is there. The first parity fragment is the XOR of the data, and with k = 1 all are copies.
 */

import { assert } from "@holdfast/base";
import { invert, multiply } from "./galois-field.ts";

/** Rows of coefficients: output `i` is the sum of `matrix[i][j]` times input `j`. */
export type Matrix = readonly Uint8Array[];

/** Data and parity fragments of a block together. Part of the format: it separates the x from the y above. */
export const fragmentsMax: number = 32;

export function codingMatrix(dataFragments: number, parityFragments: number): Matrix {
  assert(dataFragments >= 1 && parityFragments >= 0, "a code needs a data fragment");
  assert(dataFragments + parityFragments <= fragmentsMax, "at most 32 fragments");
  return Array.from({ length: parityFragments }, (_, parity) =>
    Uint8Array.from({ length: dataFragments }, (_, data) => coefficient(parity, data)),
  );
}

function coefficient(parity: number, data: number): number {
  const column = multiply(cauchy(parity, data), invert(cauchy(0, data)));
  const firstOfRow = multiply(cauchy(parity, 0), invert(cauchy(0, 0)));
  return multiply(column, invert(firstOfRow));
}

function cauchy(parity: number, data: number): number {
  return invert((fragmentsMax + parity) ^ data);
}
