/** The one operation that costs time: a matrix over GF(2^8) times columns of bytes. Two implementations, equal bytes. */

import { assert } from "@holdfast/base";
import type { Matrix } from "./coding-matrix.ts";
import { fragmentsMax } from "./coding-matrix.ts";

export interface Multiplier {
  /** For benchmarks and logs. */
  readonly name: string;
  /**
   * `outputs[i]` becomes the sum of `matrix[i][j]` times `inputs[j]`, byte by byte. An input is taken as followed by
   * zeros, so it may be shorter than an output. Inputs and outputs together are at most 32 and share no memory.
   */
  multiply(matrix: Matrix, inputs: readonly Uint8Array[], outputs: readonly Uint8Array[]): void;
}

export function assertShape(
  matrix: Matrix,
  inputs: readonly Uint8Array[],
  outputs: readonly Uint8Array[],
): void {
  assert(inputs.length >= 1 && inputs.length + outputs.length <= fragmentsMax, "1 to 32 fragments");
  assert(matrix.length === outputs.length, "a row for each output");
  assert(
    matrix.every((row) => row.length === inputs.length),
    "a column for each input",
  );
}
