export { fragmentsMax } from "./coding-matrix.ts";
export type {
  ErasureCode,
  ErasureCoder,
  FragmentFailure,
  Fragments,
  Joined,
  Rebuilt,
} from "./erasure-coder.ts";
export { createErasureCoder, fastestMultiplier } from "./erasure-coder.ts";
export type { Multiplier } from "./multiplier.ts";
export { plainMultiplier } from "./plain-multiplier.ts";
export { simdMultiplier } from "./simd-multiplier.ts";
