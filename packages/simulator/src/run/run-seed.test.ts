import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runSeed } from "./run-seed.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("simulation", () => {
  it("a few seeds hold: everything acknowledged is there and whole, nothing else is visible, nothing leaks", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const { failure } = await runSeed({ seed, drain });
      assert.equal(failure?.message, undefined, `seed ${seed}`);
    }
  });

  it("the same seed runs the same twice, another one differently", async () => {
    const [once, again, other] = [
      await runSeed({ seed: 7, drain }),
      await runSeed({ seed: 7, drain }),
      await runSeed({ seed: 8, drain }),
    ];
    assert.equal(once.traceHash, again.traceHash);
    assert.notEqual(once.traceHash, other.traceHash);
  });
});
