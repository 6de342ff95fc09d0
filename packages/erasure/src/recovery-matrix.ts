/**
 * From the fragments that are there to those that are wanted. With D the lost data fragments, K the data fragments that
 * are there and P as many parity fragments as D has, the rows P of the code say
 *
 *   parity[P] = C[P, K] data[K] + C[P, D] data[D]
 *
 * and C[P, D] is invertible (coding-matrix.ts). So only a system of |D| unknowns is solved, not one of k.
 */

import { assert, present } from "@holdfast/base";
import type { Matrix } from "./coding-matrix.ts";
import { invert, multiply } from "./galois-field.ts";

export interface Recovery {
  /** The k fragments to read, ascending: all data that is there, then the first parity (the XOR alone, if it can be). */
  readonly sources: readonly number[];
  /** One row for each wanted fragment, over the sources. */
  readonly matrix: Matrix;
}

/** At least as many fragments as the code has columns must be there. */
export function recoveryMatrix(
  code: Matrix,
  dataFragments: number,
  isPresent: (fragment: number) => boolean,
  wanted: readonly number[],
): Recovery {
  const data = Array.from({ length: dataFragments }, (_, j) => j);
  const kept = data.filter(isPresent);
  const lost = data.filter((fragment) => !isPresent(fragment));
  const parity = code.map((_, i) => dataFragments + i).filter(isPresent);
  assert(parity.length >= lost.length, "as many parity fragments as data fragments are lost");
  const sources = [...kept, ...parity.slice(0, lost.length)];

  const parityRows = sources.slice(kept.length).map((fragment) => rowOf(code, fragment - dataFragments));
  const inverse = invertMatrix(parityRows.map((row) => pick(row, lost)));
  const rows = dataRows(inverse, parityRows, kept, lost);
  const matrix = wanted.map((fragment) =>
    fragment < dataFragments
      ? present(rows.get(fragment), "the row of a data fragment")
      : combine(
          rowOf(code, fragment - dataFragments),
          data.map((j) => present(rows.get(j), "the row of a data fragment")),
        ),
  );
  return { sources, matrix };
}

/** Every data fragment as a row over the sources. */
function dataRows(
  inverse: Matrix,
  parityRows: Matrix,
  kept: readonly number[],
  lost: readonly number[],
): ReadonlyMap<number, Uint8Array> {
  const rows = new Map<number, Uint8Array>();
  kept.forEach((fragment, position) => {
    const row = new Uint8Array(kept.length + lost.length);
    row[position] = 1;
    rows.set(fragment, row);
  });
  // parity + C[P, K] data[K], one row for each parity source; addition and subtraction are the same.
  const remainders = parityRows.map((parityRow, position) => {
    const row = new Uint8Array(kept.length + lost.length);
    row.set(pick(parityRow, kept));
    row[kept.length + position] = 1;
    return row;
  });
  lost.forEach((fragment, position) => {
    rows.set(fragment, combine(rowOf(inverse, position), remainders));
  });
  return rows;
}

/** The sum of the rows, each times its coefficient. */
function combine(coefficients: Uint8Array, rows: Matrix): Uint8Array {
  const sum = new Uint8Array(rows[0]?.length ?? 0);
  coefficients.forEach((coefficient, i) => {
    addMultiple(sum, rowOf(rows, i), coefficient);
  });
  return sum;
}

/** Gauss-Jordan on the matrix beside the identity. */
function invertMatrix(matrix: Matrix): Matrix {
  const size = matrix.length;
  const rows: Uint8Array[] = matrix.map((row, i) => {
    const wide = new Uint8Array(2 * size);
    wide.set(row);
    wide[size + i] = 1;
    return wide;
  });
  for (let column = 0; column < size; column++) {
    const pivot = rows.findIndex((row, i) => i >= column && row[column] !== 0);
    assert(pivot >= 0, "every square submatrix of the code is invertible");
    [rows[column], rows[pivot]] = [rowOf(rows, pivot), rowOf(rows, column)];
    const row = rowOf(rows, column);
    const scale = invert(row[column] ?? 0);
    row.forEach((value, j) => {
      row[j] = multiply(value, scale);
    });
    rows.forEach((other, i) => {
      if (i !== column) addMultiple(other, row, other[column] ?? 0);
    });
  }
  return rows.map((row) => row.subarray(size));
}

function addMultiple(sum: Uint8Array, row: Uint8Array, factor: number): void {
  if (factor === 0) return;
  row.forEach((value, j) => {
    sum[j] = (sum[j] ?? 0) ^ multiply(value, factor);
  });
}

function pick(row: Uint8Array, columns: readonly number[]): Uint8Array {
  return Uint8Array.from(columns, (column) => row[column] ?? 0);
}

function rowOf(matrix: Matrix, i: number): Uint8Array {
  return present(matrix[i], "a row of the matrix");
}
