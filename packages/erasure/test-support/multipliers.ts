import assert from "node:assert/strict";
import type { Multiplier } from "../src/multiplier.ts";
import { plainMultiplier } from "../src/plain-multiplier.ts";
import { simdMultiplier } from "../src/simd-multiplier.ts";

/** Every implementation: the runtime of the tests has all of them. */
export function allMultipliers(): readonly Multiplier[] {
  const [relaxed, strict] = [simdMultiplier("relaxed"), simdMultiplier("strict")];
  assert.ok(relaxed !== undefined && strict !== undefined);
  return [relaxed, strict, plainMultiplier];
}
