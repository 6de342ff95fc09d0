/**
 * Crash-point enumeration: the same seeded workload is cut at every single disk operation, by a kill or a power loss;
 * the recovery is cut too; then the log must show the state after some prefix of what was appended, and that prefix
 * must hold everything that was acknowledged, or shown by an earlier recovery.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { chance, seededRandom, uniform } from "@holdfast/base";
import { groups, History, matches, work } from "./log-history.test.ts";
import { CrashingDisk, LogWorld } from "./log-world.test.ts";
import type { OpenedLog } from "./open-log.ts";
import { openWriteAheadLog } from "./open-log.ts";

/** Asserts that the log shows a state it may show; it is proven from then on. */
async function check({ log, recovery }: OpenedLog, history: History, what: string): Promise<void> {
  assert.equal(recovery.suspects.size, 0, `${what}: suspects ${JSON.stringify([...recovery.suspects])}`);
  for (const [count, state] of history.possible()) {
    if (!(await matches(log, state))) continue;
    for (const [group, model] of history.models) {
      // A checkpoint is a promise of the caller, made durable with some later batch: never ahead of it.
      assert.ok(
        (log.group(group)?.checkpoint ?? 0) <= Math.max(model.checkpoint, state.get(group)?.checkpoint ?? 0),
        what,
      );
    }
    history.rebase(count);
    return;
  }
  const shown = groups
    .map((group) => log.group(group))
    .map((info) => `${info?.checkpoint} to ${info?.lastIndex}`);
  const models = groups.map((group) => history.models.get(group)?.last);
  assert.fail(
    `${what}: no prefix from ${history.provenCount} of ${history.writes.length} gives ${shown.join("; ")} (${models.join("; ")})`,
  );
}

interface Crash {
  readonly seed: number;
  readonly at: number;
  readonly kind: "kill" | "power-loss";
}

async function drive(world: LogWorld, disk: CrashingDisk, action: Promise<void>): Promise<void> {
  let done = false;
  let failure: unknown;
  action.then(
    () => (done = true),
    (error: unknown) => {
      done = true;
      failure = error;
    },
  );
  while (!done && !disk.crashed) if (!(await world.simulation.step())) break;
  if (!disk.crashed && failure !== undefined) throw failure;
}

/** One life of a process until it is done or crashes; tells whether it crashed. */
async function live(
  world: LogWorld,
  history: History,
  { seed, at, kind }: Crash,
  burstsCount: number,
): Promise<boolean> {
  const disk = new CrashingDisk(at, () => (kind === "kill" ? world.disk.kill() : world.disk.powerLoss()));
  const options = world.options(disk.wrap(world.disk.mount()));
  await drive(
    world,
    disk,
    openWriteAheadLog({ ...options, onTornTail: "cut" }).then(async (opened) => {
      await check(opened, history, `crash ${seed}/${at}/${kind}`);
      await work(opened.log, history, seededRandom(seed), burstsCount);
    }),
  );
  if (!disk.crashed) world.disk.kill();
  return disk.crashed;
}

async function crashAndRecover(crash: Crash): Promise<boolean> {
  const world = new LogWorld(crash.seed);
  const history = new History();
  const crashed = await live(world, history, crash, 40);
  // The recovery is cut as well, twice, by either kind of crash.
  for (let i = 0; i < 2; i++) {
    const kind = chance(world.random, 0.5) ? "kill" : "power-loss";
    await live(world, history, { seed: crash.seed + i + 1, at: uniform(world.random, 30), kind }, 2);
  }
  const opened = await world.restart({ onTornTail: "cut" });
  await world.run(check(opened, history, `after crash ${crash.seed}/${crash.at}/${crash.kind}`));
  return crashed;
}

for (const kind of ["power-loss", "kill"] as const) {
  test(`crash points: ${kind} at any disk operation loses nothing acknowledged and invents nothing`, async () => {
    for (const seed of [1, 2]) {
      let at = 0;
      while (await crashAndRecover({ seed: 100 * seed, at, kind })) at++;
      assert.ok(at > 40, `only ${at} crash points`);
    }
  });
}
