import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { range, slowGenerator, slowInvert, slowMultiply } from "../test-support/slow-reed-solomon.ts";
import { codingMatrix } from "./coding-matrix.ts";

test("every code is the top left corner of one matrix, with ones in its first row and column", () => {
  for (let k = 1; k <= 32; k++) {
    for (let m = 0; m <= 32 - k; m++) {
      const matrix = codingMatrix(k, m);
      assert.deepEqual(
        matrix.map((row) => [...row]),
        slowGenerator(k, m).slice(k),
      );
      assert.ok(matrix.every((row, i) => row[0] === 1 && (i > 0 || row.every((value) => value === 1))));
    }
  }
});

test("no code has a zero or a singular 2 x 2 submatrix", () => {
  const matrix = slowGenerator(32, 31).slice(32);
  for (const [i, row] of matrix.entries()) {
    assert.ok(row.every((value) => value !== 0));
    for (const other of matrix.slice(i + 1)) {
      // Two rows are independent in every pair of columns if all their quotients differ.
      const quotients = row.map((value, j) => range(256).find((q) => slowMultiply(q, value) === other[j]));
      assert.equal(new Set(quotients).size, row.length);
    }
  }
});

test("any k rows of the identity over the matrix are invertible", () => {
  const code = fc
    .integer({ min: 1, max: 31 })
    .chain((k) => fc.tuple(fc.constant(k), fc.integer({ min: 1, max: 32 - k })))
    .chain(([k, m]) =>
      fc.tuple(
        fc.constant(k),
        fc.constant(m),
        fc.shuffledSubarray([...range(k + m)], { minLength: k, maxLength: k }),
      ),
    );
  fc.assert(
    fc.property(code, ([k, m, kept]) => {
      const generator = slowGenerator(k, m);
      assert.ok(slowInvert(kept.map((row) => generator[row] ?? [])) !== undefined);
    }),
    { numRuns: 60 },
  );
});

test("codes outside the limits are programmer errors", () => {
  for (const [k, m] of [
    [0, 2],
    [1, -1],
    [32, 1],
    [1, 32],
  ] as const)
    assert.throws(() => codingMatrix(k, m), /AssertionError|fragment/);
  assert.equal(codingMatrix(32, 0).length, 0);
});
