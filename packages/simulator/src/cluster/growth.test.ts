import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/base";
import { Trace } from "../run/trace.ts";
import { makeClusterPlan } from "./cluster-plan.ts";
import { ClusterScenario } from "./cluster-scenario.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const trace = (simulation: { readonly nowMs: number }): Trace => new Trace(() => simulation.nowMs);
const nobody = { clientsCount: 0, contest: { clientsCount: 0, changesCount: 0 } } as const;

test("growth: a node that comes back with a state of before its replicas came gives none of them up", async () => {
  const random = seededRandom(3600);
  const base = makeClusterPlan({ seed: 3600, nodesCount: 3, consensus: "raft" }, random);
  const kill = {
    fault: "kill",
    afterMs: 3600,
    moment: "any",
    lastsMs: 50,
    node: 1,
    other: 0,
    meanwhile: undefined,
  } as const;
  const node = { ...base.node, shardCount: 1, checkpointIntervalMs: 60_000 };
  const plan = { ...base, beginsWith: 1, clientsCount: 2, rounds: [], whileGrowing: [kill], node };
  const scenario = new ClusterScenario({ plan, random, drain, trace });
  await scenario.run();
  const kills = scenario.happened["kill"] ?? 0;
  assert.ok(kills >= 1 + 1 + plan.nodesCount, `killed, and stopped at the end: ${kills}`);
});

test("growth: a node that joins keeps the number that the door told it, though the door's disk is slow", async () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const random = seededRandom(seed);
    const base = makeClusterPlan({ seed, nodesCount: 3, consensus: "raft" }, random);
    const slow = { beginsWith: 1, rounds: [], whileGrowing: [], diskLatencyMs: { min: 50, max: 150 } };
    const node = { ...base.node, segmentBytes: 128 * 1024 };
    await new ClusterScenario({ plan: { ...base, ...nobody, ...slow, node }, random, drain, trace }).run();
  }
});
