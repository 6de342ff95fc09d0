import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runClusterSeed } from "./run-cluster-seed.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const either = { nodesCount: 3, consensus: undefined, drain } as const;

describe("simulation: clusters", () => {
  it("a few seeds of either protocol hold: every node shows what was acknowledged, every slot has its blocks", async () => {
    for (const consensus of ["raft", "multipaxos"] as const)
      for (let seed = 1; seed <= 3; seed++) {
        const { failure } = await runClusterSeed({ ...either, seed, consensus });
        assert.equal(failure?.message, undefined, `${consensus}, seed ${seed}`);
      }
  });

  it("a seed of five nodes holds", async () => {
    const { failure } = await runClusterSeed({ ...either, nodesCount: 5, seed: 2 });
    assert.equal(failure?.message, undefined);
  });

  it("a seed holds in which a node that was removed refused everything for ever and did not say why", async () => {
    const { failure } = await runClusterSeed({ ...either, seed: 442 });
    assert.equal(failure?.message, undefined);
  });

  it("the same seed runs the same twice, another one differently", async () => {
    const [once, again, other] = [
      await runClusterSeed({ ...either, seed: 4 }),
      await runClusterSeed({ ...either, seed: 4 }),
      await runClusterSeed({ ...either, seed: 5 }),
    ];
    assert.equal(once.traceHash, again.traceHash);
    assert.notEqual(once.traceHash, other.traceHash);
  });
});
