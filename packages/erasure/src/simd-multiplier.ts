/**
 * Drives the kernel: copies a tile of every input into the module's memory, where all of it stays in the core's cache
 * while it is worked on, and copies the outputs out. One memory serves all coders: a call is synchronous and leaves
 * nothing behind.
 */

import { assert, KiB, present } from "@holdfast/base";
import type { Matrix } from "./coding-matrix.ts";
import { fragmentsMax } from "./coding-matrix.ts";
import { multiply } from "./galois-field.ts";
import type { Multiplier } from "./multiplier.ts";
import { assertShape } from "./multiplier.ts";
import type { KernelFunction, KernelShape } from "./simd-kernel.ts";
import {
  columnBytesMax,
  kernelModule,
  kernelShapes,
  outputsMax,
  shapeName,
  tableBytes,
} from "./simd-kernel.ts";

/** All inputs and outputs of a tile together. */
const tileBytesMax = 64 * KiB;
/** Between the fragments of a tile, so that they do not all fall into the same sets of the cache. */
const strideGapBytes = 64;
const tablesBytesMax = fragmentsMax * fragmentsMax * tableBytes;
const memoryPages = 2;
const pageBytes = 64 * KiB;

export function simdMultiplier(swizzle: "relaxed" | "strict"): Multiplier | undefined {
  const bytes = kernelModule(memoryPages, swizzle);
  if (!WebAssembly.validate(bytes)) return undefined;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const { memory } = exports;
  assert(memory instanceof WebAssembly.Memory, "the kernel exports its memory");
  const kernel: Kernel = {
    memory: new Uint8Array(memory.buffer),
    functions: new Map(
      kernelShapes.map((shape) => {
        const run = exports[shapeName(shape)];
        assert(typeof run === "function", "the kernel has a function for each shape");
        return [shapeName(shape), run];
      }),
    ),
  };
  return {
    name: `WebAssembly SIMD, ${swizzle} swizzle`,
    multiply: (matrix, inputs, outputs) => {
      assertShape(matrix, inputs, outputs);
      multiplyTiled(kernel, matrix, inputs, outputs);
    },
  };
}

interface Kernel {
  readonly memory: Uint8Array;
  readonly functions: ReadonlyMap<string, KernelFunction>;
}

/** One call of a kernel function for each tile. */
interface Pass {
  readonly run: KernelFunction;
  readonly tables: number;
  /** Of the matrix, and so of the outputs, in the order in which they lie in memory. */
  readonly rows: readonly number[];
}

function multiplyTiled(
  kernel: Kernel,
  matrix: Matrix,
  inputs: readonly Uint8Array[],
  outputs: readonly Uint8Array[],
): void {
  const { memory } = kernel;
  const passes = planPasses(kernel, matrix);
  const perFragment = Math.floor(tileBytesMax / (inputs.length + outputs.length));
  const tileBytes = perFragment - (perFragment % columnBytesMax);
  const stride = tileBytes + strideGapBytes;
  const outputsAt = tablesBytesMax + inputs.length * stride;
  assert(outputsAt + outputs.length * stride <= memoryPages * pageBytes, "a tile fits into memory");
  const bytes = Math.max(0, ...outputs.map((output) => output.length));
  for (let from = 0; from < bytes; from += tileBytes) {
    const count = Math.min(tileBytes, bytes - from);
    inputs.forEach((input, j) => {
      copyIn(memory, tablesBytesMax + j * stride, input, from, count);
    });
    // Whole columns: what the last one computes beyond the end stays in memory.
    const columnBytes = Math.ceil(count / columnBytesMax) * columnBytesMax;
    let at = outputsAt;
    for (const { run, tables, rows } of passes) {
      run(tables, tablesBytesMax, inputs.length, at, stride, columnBytes);
      for (const row of rows) {
        copyOut(memory, at, present(outputs[row], "the output of a row"), from, count);
        at += stride;
      }
    }
  }
}

/** Zeros follow a short input. */
function copyIn(memory: Uint8Array, at: number, input: Uint8Array, from: number, count: number): void {
  const available = Math.max(0, Math.min(count, input.length - from));
  if (available > 0) memory.set(input.subarray(from, from + available), at);
  if (available < count) memory.fill(0, at + available, at + count);
}

function copyOut(memory: Uint8Array, at: number, output: Uint8Array, from: number, count: number): void {
  const wanted = Math.min(count, output.length - from);
  if (wanted > 0) output.set(memory.subarray(at, at + wanted), from);
}

/** Rows of ones take the XOR of a pass, the others share the passes evenly. */
function planPasses(kernel: Kernel, matrix: Matrix): readonly Pass[] {
  const areOnes = (row: Uint8Array): boolean => row.every((coefficient) => coefficient === 1);
  const xors = [...matrix.keys()].filter((i) => areOnes(rowOf(matrix, i)));
  const products = [...matrix.keys()].filter((i) => !areOnes(rowOf(matrix, i)));
  const passCount = Math.max(xors.length, Math.ceil(matrix.length / outputsMax));
  const passes: Pass[] = [];
  let tables = 0;
  for (let left = passCount; left > 0; left--) {
    const xorRows = xors.splice(0, 1);
    const share = Math.ceil((xors.length + xorRows.length + products.length) / left) - xorRows.length;
    const productRows = products.splice(0, Math.min(share, outputsMax - xorRows.length));
    const isFirstColumnOnes = productRows.length > 0 && productRows.every((i) => rowOf(matrix, i)[0] === 1);
    const shape: KernelShape = {
      xorOutputs: xorRows.length === 1 ? 1 : 0,
      productOutputs: productRows.length,
      isFirstColumnOnes,
    };
    const run = present(kernel.functions.get(shapeName(shape)), "a function of this shape");
    passes.push({ run, tables, rows: [...xorRows, ...productRows] });
    const productMatrix = productRows.map((i) => rowOf(matrix, i).subarray(isFirstColumnOnes ? 1 : 0));
    tables = writeTables(kernel.memory, tables, productMatrix);
  }
  assert(xors.length === 0 && products.length === 0, "every row has a pass");
  assert(tables <= tablesBytesMax, "the tables fit into memory");
  return passes;
}

/** By column, then by row: the order in which the kernel reads. Gives the end. */
function writeTables(memory: Uint8Array, start: number, matrix: Matrix): number {
  let at = start;
  const columns = matrix[0]?.length ?? 0;
  for (let j = 0; j < columns; j++) {
    for (const row of matrix) {
      const coefficient = row[j] ?? 0;
      for (let half = 0; half < 16; half++) {
        memory[at + half] = multiply(coefficient, half);
        memory[at + 16 + half] = multiply(coefficient, half << 4);
      }
      at += tableBytes;
    }
  }
  return at;
}

function rowOf(matrix: Matrix, i: number): Uint8Array {
  return present(matrix[i], "a row of the matrix");
}
