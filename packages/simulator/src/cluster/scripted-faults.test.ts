import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "@holdfast/base";
import type { Tally } from "../run/tally.ts";
import { Trace } from "../run/trace.ts";
import type { ClusterPlan, PlannedFault } from "./cluster-plan.ts";
import { makeClusterPlan } from "./cluster-plan.ts";
import { ClusterScenario } from "./cluster-scenario.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const trace = (simulation: { readonly nowMs: number }): Trace => new Trace(() => simulation.nowMs);

/** Three nodes from the beginning, and one fault amid a contest. Gives what happened. */
async function runFault(
  seed: number,
  fault: PlannedFault["fault"],
  changes: Partial<ClusterPlan> = {},
): Promise<Tally> {
  const random = seededRandom(seed);
  const base = makeClusterPlan({ seed, nodesCount: 3, consensus: undefined }, random);
  const node = { ...base.node, writerSilentMs: 20_000 };
  const at = { afterMs: 0, moment: "contest", lastsMs: 4000, node: seed % 3, other: (seed + 1) % 3 } as const;
  const rounds = [[{ ...at, fault, meanwhile: undefined }]];
  const plan = { ...base, beginsWith: 3, node, rounds, ...changes };
  const scenario = new ClusterScenario({ plan, random, drain, trace });
  await scenario.run();
  assert.ok((scenario.happened[fault] ?? 0) > 0, fault);
  return scenario.happened;
}

for (const [seed, fault] of (["kill", "isolate"] as const).entries())
  test(`contests: of 32 clients who want one state of a key to be theirs one wins, amid a ${fault}`, async () => {
    const contest = { clientsCount: 32, changesCount: 2 };
    const happened = await runFault(seed, fault, { clientsCount: 0, contest });
    assert.ok((happened["contest"] ?? 0) > 0);
  });

for (const [seed, fault] of (["wiped", "replaced", "guest", "lost-log"] as const).entries())
  test(`node changes: ${fault}: clients go on, and every block is in its slots on those who stay`, async () => {
    await runFault(seed, fault);
  });

for (const [seed, fault] of (["sync-fails", "flush-fails"] as const).entries())
  test(`disk failures: ${fault}: nothing acknowledged is lost when the node is back (S11)`, async () => {
    await runFault(seed, fault);
  });
