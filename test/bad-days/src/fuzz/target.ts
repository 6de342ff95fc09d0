/** One kind of input that the fuzzer makes. */

import type { Random } from "@holdfast/base";

export interface FuzzTarget {
  readonly name: string;
  /** Makes the seed's input, gives it to the store and judges what comes back; rejects with what is wrong. */
  run(random: Random): Promise<void>;
  /** Frees what the target holds. */
  close(): Promise<void>;
}

export class FuzzFinding extends Error {
  override readonly name = "FuzzFinding";
}
