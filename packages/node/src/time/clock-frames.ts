/**
 * What nodes say to each other about their clocks, each a frame of its own.
 *
 *   ask:    0x50 | number
 *   answer: 0x51 | the ask's number | the answerer's wall clock, in ms since 1970 UTC
 *
 * Numbers begin anywhere in each process, so that the answer to an earlier one is not taken for its own.
 */

import type { Codec } from "@holdfast/base";
import { integer, record, union, variant } from "@holdfast/base";

export type ClockFrame =
  | { readonly kind: "ask"; readonly number: number }
  | { readonly kind: "answer"; readonly number: number; readonly wallMs: number };

/** The variants' numbers are the first bytes by which the network knows whose frames they are. */
export const clockFrameCodec: Codec<ClockFrame> = union({
  ask: variant(0x50, record({ number: integer })),
  answer: variant(0x51, record({ number: integer, wallMs: integer })),
});
