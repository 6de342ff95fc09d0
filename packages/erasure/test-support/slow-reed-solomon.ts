/**
 * The definition of the code, written for nothing but to be read: field arithmetic by shifting, matrices with all k
 * columns, decoding by solving the whole system. Shares no code with the package.
 */

import assert from "node:assert/strict";

type Rows = readonly (readonly number[])[];

export function slowMultiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product <<= 1;
    if (product >= 256) product ^= 0x11d;
    if ((b >> bit) & 1) product ^= a;
  }
  return product;
}

const inverses = Array.from({ length: 256 }, (_, a) =>
  Array.from({ length: 256 }, (_, b) => b).find((b) => slowMultiply(a, b) === 1),
);

function slowInverse(a: number): number {
  const inverse = inverses[a];
  assert.ok(inverse !== undefined);
  return inverse;
}

/** The identity over the parity rows: fragment i is row i times the data. */
export function slowGenerator(k: number, m: number): Rows {
  const c = (i: number, j: number): number => slowInverse((32 + i) ^ j);
  const product = (...factors: readonly number[]): number => factors.reduce(slowMultiply, 1);
  const identity = range(k).map((i) => range(k).map((j) => (i === j ? 1 : 0)));
  const parity = range(m).map((i) =>
    range(k).map((j) => product(c(i, j), slowInverse(c(0, j)), slowInverse(c(i, 0)), c(0, 0))),
  );
  return [...identity, ...parity];
}

/** Each row times the columns, byte by byte. */
export function slowProduct(
  rows: Rows,
  columns: readonly Uint8Array[],
  bytes: number,
): readonly Uint8Array[] {
  return rows.map((row) =>
    Uint8Array.from({ length: bytes }, (_, at) =>
      row.reduce((sum, factor, j) => sum ^ slowMultiply(factor, columns[j]?.[at] ?? 0), 0),
    ),
  );
}

export function slowEncode(block: Uint8Array, k: number, m: number): readonly Uint8Array[] {
  const bytes = Math.ceil(block.length / k);
  return slowProduct(
    slowGenerator(k, m),
    range(k).map((j) => block.subarray(j * bytes, (j + 1) * bytes)),
    bytes,
  );
}

/** The inverse of a square matrix, or undefined if there is none. */
export function slowInvert(rows: Rows): Rows | undefined {
  const size = rows.length;
  const work = rows.map((row, i) => [...row, ...range(size).map((j) => (i === j ? 1 : 0))]);
  for (const column of range(size)) {
    const pivot = work.findIndex((row, i) => i >= column && row[column] !== 0);
    if (pivot < 0) return undefined;
    const [found] = work.splice(pivot, 1);
    assert.ok(found !== undefined);
    const scale = slowInverse(found[column] ?? 0);
    const row = found.map((value) => slowMultiply(value, scale));
    work.splice(column, 0, row);
    work.forEach((other, i) => {
      const factor = other[column] ?? 0;
      if (i !== column) work[i] = other.map((value, j) => value ^ slowMultiply(factor, row[j] ?? 0));
    });
  }
  return work.map((row) => row.slice(size));
}

export function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i);
}
