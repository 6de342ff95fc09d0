/** Rot anywhere in a closed log (all of it proven): what is lost is said, what is shown is true (S10). */

import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, toHex, uniform, utf8 } from "@holdfast/base";
import { WalError } from "./log-error.ts";
import { History, text, work } from "./log-history.test.ts";
import { LogWorld, readAll } from "./log-world.test.ts";
import type { OpenedLog } from "./open-log.ts";

/** Every group is either whole, or suspect with a true prefix and a range that names everything that is missing. */
async function checkHonest(
  world: LogWorld,
  { log, recovery }: OpenedLog,
  history: History,
  what: string,
): Promise<void> {
  for (const [group, model] of history.models) {
    const info = log.group(group);
    const suspicion = recovery.suspects.get(group);
    if (info === undefined) {
      assert.ok(model.last === 0 || recovery.headersLost, `${what}: group ${group} is gone`);
      continue;
    }
    for (const entry of await world.run(readAll(log, group))) {
      // A lost base or checkpoint may leave entries in sight that were applied and then dropped.
      if (entry.index <= model.checkpoint && !model.entries.has(entry.index)) continue;
      assert.equal(text(entry), text(model.entries.get(entry.index)), what);
    }
    if (suspicion === undefined) {
      assert.equal(info.lastIndex, model.last, `${what}: group ${group} lost entries silently`);
      assert.equal(toHex(info.hardState ?? utf8("")), toHex(model.hardState ?? utf8("")), what);
    } else {
      assert.ok(suspicion.from <= info.lastIndex + 1, what);
      assert.ok(
        suspicion.openEnded || Math.max(info.lastIndex, suspicion.through) >= model.last,
        `${what}: ${JSON.stringify(suspicion)}`,
      );
    }
  }
}

test("rot: a bit anywhere in a proven log is never silent, nor is what it cost forgotten at the next start (S10)", async () => {
  let damagedCount = 0;
  for (let seed = 1; seed <= 80; seed++) {
    const world = new LogWorld(seed);
    const history = new History();
    const { log } = await world.open();
    await world.run(work(log, history, seededRandom(seed), 25));
    const names = await world.run(world.disk.list("wal"));
    const name = names[uniform(world.random, names.length)] ?? "";
    // Somewhere in what was written: the zeros behind it cost nobody anything.
    const written = [...(world.disk.peek(`wal/${name}`)?.entries() ?? [])].filter(([, byte]) => byte !== 0);
    const place = written[uniform(world.random, written.length)]?.[0] ?? 0;
    world.disk.kill();
    world.disk.rot(`wal/${name}`, place);
    const opened = await world.open({ onTornTail: "cut" });
    const what = `seed ${seed}, ${name} at ${place}`;
    await checkHonest(world, opened, history, what);
    if (opened.recovery.suspects.size > 0) damagedCount++;
    world.disk.powerLoss();
    const again = await world.open({ onTornTail: "cut" });
    await checkHonest(world, again, history, `${what}, again`);
    for (const group of history.models.keys()) {
      assert.equal(again.recovery.suspects.has(group), opened.recovery.suspects.has(group), what);
    }
  }
  assert.ok(damagedCount > 5, `only ${damagedCount} cases had a suspect`);
});

test("lost and misdirected writes: what they cost is said, what is shown is true (S10)", async () => {
  const costly = { lost: 0, misdirected: 0 };
  for (let seed = 1; seed <= 80; seed++) {
    const world = new LogWorld(seed);
    const history = new History();
    const { log } = await world.open();
    const kind = seed % 2 === 0 ? "lost" : "misdirected";
    const pages = (1 + uniform(world.random, 3)) * (uniform(world.random, 2) === 0 ? 1 : -1);
    const working = work(log, history, seededRandom(seed), 12);
    // In the midst of the work; the writes behind it prove that the log counts on this one.
    await world.simulation.runFor(1 + uniform(world.random, 6));
    if (kind === "lost") world.disk.loseNextWrite(/wal\//);
    else world.disk.misdirectNextWrite(4096 * pages, /wal\//);
    await world.run(working);
    world.disk.powerLoss();
    const what = `seed ${seed}, ${kind} ${pages}`;
    let opened: OpenedLog;
    try {
      opened = await world.open({ onTornTail: "cut" });
    } catch (error) {
      assert.ok(error instanceof WalError && error.kind === "damaged", `${what}: ${String(error)}`);
      continue;
    }
    await checkHonest(world, opened, history, what);
    if (opened.recovery.suspects.size > 0) costly[kind]++;
  }
  assert.ok(costly.lost > 0 && costly.misdirected > 5, JSON.stringify(costly));
});
