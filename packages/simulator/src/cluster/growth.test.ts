import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/base";
import { Trace } from "../run/trace.ts";
import { makeClusterPlan } from "./cluster-plan.ts";
import { ClusterScenario } from "./cluster-scenario.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("growth: a node that comes back with a state of before its replicas came gives none of them up", async () => {
  const random = seededRandom(3600);
  const base = makeClusterPlan({ seed: 3600, nodesCount: 3, consensus: "raft" }, random);
  const kill = { fault: "kill", afterMs: 3600, moment: "any", lastsMs: 50, node: 1, other: 0 } as const;
  const node = { ...base.node, shardCount: 1, checkpointIntervalMs: 60_000 };
  const plan = { ...base, beginsWith: 1, clientsCount: 2, rounds: [], whileGrowing: [kill], node };
  const trace = (simulation: { readonly nowMs: number }): Trace => new Trace(() => simulation.nowMs);
  const scenario = new ClusterScenario({ plan, random, drain, trace });
  await scenario.run();
  assert.equal(scenario.happened["kill"], 1 + 1 + plan.nodesCount, "killed, and stopped at the end");
});
