import { randomFillSync } from "node:crypto";
import type { Random } from "@holdfast/base";

const poolBytes = 4096;
const pool = new Uint8Array(poolBytes);
const words = new DataView(pool.buffer);
let used = poolBytes;

/** Randomness of the operating system, fit for secrets. Words are drawn from a pool: a system call each would cost more. */
export const secureRandom: Random = {
  uint32: () => {
    if (used === poolBytes) {
      randomFillSync(pool);
      used = 0;
    }
    const word = words.getUint32(used);
    // Words may become secrets: none stays behind.
    words.setUint32(used, 0);
    used += 4;
    return word;
  },
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};
