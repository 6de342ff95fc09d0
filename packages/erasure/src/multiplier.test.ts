import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, toHex } from "@holdfast/base";
import * as fc from "fast-check";
import { allMultipliers } from "../test-support/multipliers.ts";
import { range, slowProduct } from "../test-support/slow-reed-solomon.ts";
import { codingMatrix } from "./coding-matrix.ts";
import { kernelModule, kernelShapes } from "./simd-kernel.ts";

const multipliers = allMultipliers();

/** A buffer at an offset inside another one, with a byte around it that must not change. */
class Guarded {
  readonly bytes: Uint8Array;
  readonly #around: Uint8Array;

  constructor(length: number, offset: number) {
    this.#around = new Uint8Array(offset + length + 32).fill(0xa5);
    this.bytes = this.#around.subarray(offset, offset + length);
  }

  assertIntact(): void {
    const { byteOffset, length } = this.bytes;
    assert.ok(this.#around.subarray(0, byteOffset).every((byte) => byte === 0xa5));
    assert.ok(this.#around.subarray(byteOffset + length).every((byte) => byte === 0xa5));
  }
}

function assertAllGive(
  matrix: readonly Uint8Array[],
  inputs: readonly Uint8Array[],
  expected: readonly Uint8Array[],
  offset = 0,
): void {
  for (const multiplier of multipliers) {
    const outputs = expected.map(({ length }, i) => new Guarded(length, (offset + 3 * i) % 17));
    multiplier.multiply(
      matrix,
      inputs,
      outputs.map(({ bytes }) => bytes),
    );
    outputs.forEach((output, i) => {
      assert.deepEqual(output.bytes, expected[i], `${multiplier.name}, output ${i}`);
      output.assertIntact();
    });
  }
}

test("all implementations give the defined product for every code of up to 32 fragments", () => {
  const random = seededRandom(1);
  for (let k = 1; k <= 32; k++) {
    for (let m = 0; m <= 32 - k; m++) {
      const matrix = codingMatrix(k, m);
      const bytes = 1 + ((5 * k + m) % 9);
      const inputs = range(k).map(() => random.bytes(bytes));
      const rows = matrix.map((row) => [...row]);
      assertAllGive(matrix, inputs, slowProduct(rows, inputs, bytes), k + m);
    }
  }
});

test("all implementations agree on any matrix, length and alignment, with short inputs and outputs", () => {
  const example = fc.record({
    columns: fc.integer({ min: 1, max: 16 }),
    rows: fc.integer({ min: 0, max: 16 }),
    bytes: fc.integer({ min: 0, max: 300 }),
    seed: fc.nat(),
    // Ones and zeros often: they choose the kernel's function.
    special: fc.constantFrom("none", "firstColumn", "someRows", "allOnes", "zeros"),
  });
  fc.assert(
    fc.property(example, ({ columns, rows, bytes, seed, special }) => {
      const random = seededRandom(seed);
      const matrix = range(rows).map((i) => {
        const row = random.bytes(columns);
        if (special === "firstColumn") row[0] = 1;
        if (special === "allOnes" || (special === "someRows" && i % 3 === 1)) row.fill(1);
        if (special === "zeros") row[i % columns] = 0;
        return row;
      });
      const inputs = range(columns).map((j) => {
        const length = j % 3 === 2 ? random.uint32() % (bytes + 1) : bytes;
        return random.bytes(length + j).subarray(j);
      });
      const expected = slowProduct(
        matrix.map((row) => [...row]),
        inputs,
        bytes,
      ).map((output, i) => (i % 4 === 3 ? output.subarray(0, random.uint32() % (bytes + 1)) : output));
      assertAllGive(matrix, inputs, expected, seed % 16);
    }),
    { numRuns: 150 },
  );
});

test("all implementations agree at every length around a column and around a tile", () => {
  const matrix = codingMatrix(3, 2);
  const tileBytes = Math.floor((64 * 1024) / 5 / 64) * 64;
  const lengths = [
    ...range(200),
    ...range(130).map((i) => tileBytes - 65 + i),
    2 * tileBytes,
    3 * tileBytes + 1,
  ];
  const random = seededRandom(2);
  const inputs = range(3).map(() => random.bytes(3 * tileBytes + 1));
  const whole = slowProduct(
    matrix.map((row) => [...row]),
    inputs,
    3 * tileBytes + 1,
  );
  for (const length of lengths) {
    const cut = (all: readonly Uint8Array[]): readonly Uint8Array[] =>
      all.map((one) => one.subarray(0, length));
    // The second output ends early: in an earlier tile than the first, at some lengths.
    const outputs = cut(whole).map((one, i) => (i === 1 ? one.subarray(0, Math.max(0, length - 70)) : one));
    assertAllGive(matrix, cut(inputs), outputs, length % 16);
  }
});

test("the kernel has a function for every shape, and the two swizzles differ in their opcode alone", () => {
  assert.equal(kernelShapes.length, 15);
  const text = (swizzle: "relaxed" | "strict"): string => toHex(kernelModule(2, swizzle));
  assert.ok(!text("strict").includes("fd8002"));
  assert.ok(text("relaxed").includes("fd8002"));
});

test("a matrix of another shape than inputs and outputs is a programmer error", () => {
  for (const multiplier of multipliers) {
    const byte = (): Uint8Array => new Uint8Array(1);
    assert.throws(() => multiplier.multiply(codingMatrix(2, 1), [byte()], [byte()]), /column/);
    assert.throws(() => multiplier.multiply(codingMatrix(2, 1), [byte(), byte()], []), /row/);
    assert.throws(() => multiplier.multiply([], range(33).map(byte), []), /32/);
  }
});
