import { clockContract, hashingContract, randomContract } from "@holdfast/ports/contract";
import { realClock } from "./clock.ts";
import { nodeHashing } from "./hashing.ts";
import { secureRandom } from "./random.ts";

clockContract("real clock", () => ({
  clock: realClock,
  advance: (durationMs) => {
    const dueMs = performance.now() + durationMs;
    // The immediates let whatever `soon` was given run, also when the time asked for is short.
    const wait = async (): Promise<void> => {
      while (performance.now() < dueMs) await new Promise((resolve) => setTimeout(resolve, 1));
      for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    };
    return wait();
  },
}));
randomContract("secure random", secureRandom);
hashingContract("host hashing", nodeHashing);
