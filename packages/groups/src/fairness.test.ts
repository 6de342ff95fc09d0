/** A flood on one group and what it costs the others, in virtual time, where each entry takes a while to apply. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupId } from "@holdfast/base";
import { groupId, utf8 } from "@holdfast/base";
import { World } from "../test-support/world.ts";
import type { GroupHostLimits } from "./limits.ts";
import { defaultGroupHostLimits } from "./limits.ts";

const flooded = groupId(1);
const quiet = Array.from({ length: 20 }, (_, i) => groupId(i + 2));
const appendsEach = 40;
const outstanding = 3000;

async function startWorld(limits: Partial<GroupHostLimits>): Promise<World> {
  const world = await World.start({ nodes: 1, limits, applyMs: 0.02, diskLatencyMs: { min: 0.5, max: 1 } });
  for (const group of [flooded, ...quiet]) await world.openGroup("raft", { group });
  for (const group of [flooded, ...quiet]) await world.leader(group);
  return world;
}

/** How long the slowest but one in a hundred of the quiet groups' commands takes. */
async function p99(world: World): Promise<number> {
  const latenciesMs: number[] = [];
  const work = async (group: GroupId): Promise<void> => {
    for (let i = 0; i < appendsEach; i++) {
      const beganMs = world.simulation.nowMs;
      await world.node(1).group(group).append(utf8("quiet"));
      latenciesMs.push(world.simulation.nowMs - beganMs);
    }
  };
  await world.run(Promise.all(quiet.map(work)));
  latenciesMs.sort((a, b) => a - b);
  return latenciesMs[Math.floor(latenciesMs.length * 0.99)] ?? 0;
}

/** So many commands wait at every moment, until the answer is called. */
function flood(world: World): () => Promise<unknown> {
  let goesOn = true;
  const command = new Uint8Array(100);
  const keepOn = async (): Promise<void> => {
    while (goesOn) await world.node(1).group(flooded).append(command);
  };
  const floods = Array.from({ length: outstanding }, keepOn);
  return () => {
    goesOn = false;
    return Promise.all(floods);
  };
}

async function slowdown(limits: Partial<GroupHostLimits>): Promise<number> {
  const world = await startWorld(limits);
  const before = await p99(world);
  const stop = flood(world);
  await world.simulation.runFor(20);
  const during = await p99(world);
  await world.run(stop());
  return during / before;
}

test("fairness: a flood on one group leaves the others' p99 within twice of what it was", async () => {
  const ratio = await slowdown({});
  assert.ok(ratio <= 2, `${ratio.toFixed(2)} times`);
});

test("fairness: without budgets it does not", async () => {
  const unlimited = Number.MAX_SAFE_INTEGER;
  const { consensus } = defaultGroupHostLimits;
  const ratio = await slowdown({
    groupItemsMin: unlimited,
    groupBytesMax: unlimited,
    consensus: { ...consensus, committedBytesMax: unlimited, uncommittedBytesMax: unlimited },
  });
  assert.ok(ratio > 4, `${ratio.toFixed(2)} times`);
});
