import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/base";
import { Trace } from "../run/trace.ts";
import { makeClusterPlan } from "./cluster-plan.ts";
import { ClusterScenario } from "./cluster-scenario.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

for (const [seed, fault] of (["kill", "power-loss", "pause", "isolate"] as const).entries())
  test(`contests: of 32 clients who want one state of a key to be theirs one wins, amid a ${fault}`, async () => {
    const random = seededRandom(seed);
    const base = makeClusterPlan({ seed, nodesCount: 3, consensus: undefined }, random);
    const amid = { fault, afterMs: 0, moment: "contest", lastsMs: 4000, node: seed % 3, other: 0 } as const;
    const contest = { clientsCount: 32, changesCount: 2 };
    const plan = { ...base, beginsWith: 3, clientsCount: 0, contest, rounds: [[amid]] };
    const trace = (simulation: { readonly nowMs: number }): Trace => new Trace(() => simulation.nowMs);
    const scenario = new ClusterScenario({ plan, random, drain, trace });
    await scenario.run();
    assert.ok((scenario.happened["contest"] ?? 0) > 0 && (scenario.happened[fault] ?? 0) > 0);
  });
