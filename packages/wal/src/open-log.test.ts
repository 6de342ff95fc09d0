/** What recovery makes of damage: S8 and S10 of SAFETY.md, one test per rule. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { logIndex, toHex, UnsupportedVersionError, utf8 } from "@holdfast/base";
import { simulatedHashing } from "@holdfast/ports/simulated";
import { WalError } from "./log-error.ts";
import { entry, group1, group2, LogWorld, write } from "./log-world.test.ts";
import type { OpenedLog } from "./open-log.ts";
import { openWriteAheadLog } from "./open-log.ts";
import type { WriteAheadLog } from "./write-ahead-log.ts";

const firstSegment = "wal/00000001.wal";
/** Page of the n-th batch, from 0, when each fits a page. */
const page = (batch: number): number => (2 + batch) * 4096;

/** Page 2 is the opening batch; 3, 4, ... hold one append each: entry 1, 2, ... of group 1, and those of group 2. */
async function appendOneByOne(
  world: LogWorld,
  log: WriteAheadLog,
  count: number,
  bytes = 3000,
): Promise<void> {
  for (let index = 1; index <= count; index++) {
    await world.run(log.append(write(group1, entry(index, `${index}`.repeat(bytes)))));
  }
}

async function damagedLog(
  damage: (world: LogWorld) => void,
  count = 4,
  proven = true,
): Promise<[LogWorld, OpenedLog]> {
  const world = new LogWorld(1);
  const { log } = await world.open();
  await world.run(log.append({ group: group2, entries: [entry(1, "other")], hardState: utf8("vote") }));
  await appendOneByOne(world, log, count);
  if (proven) await world.simulation.runUntilIdle();
  world.disk.kill();
  damage(world);
  return [world, await world.open()];
}

/** Overwrites a part of a file behind the log's back. */
async function overwrite(world: LogWorld, path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const file = await world.run(world.disk.open(path, "write"));
  await world.run(file.write(offset, [bytes]));
  await world.run(file.sync());
}

test("S11: a log that is made has the life that it is told to have, and one that there is keeps its own", async () => {
  const world = new LogWorld(3);
  const [first, second] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
  const { log } = await world.open({ incarnation: first });
  assert.equal(log.incarnation, toHex(first));
  world.disk.powerLoss();
  assert.equal((await world.open({ incarnation: second })).log.incarnation, toHex(first));
  const other = new LogWorld(4);
  assert.notEqual((await other.open()).log.incarnation, toHex(first));
});

test("S8: what a failed sync left in the page cache is shown only once it is durable", async () => {
  const world = new LogWorld(2);
  const { log } = await world.open();
  await world.run(log.append(write(group1, entry(1, "a"))));
  world.disk.failNextSync(/00000001/);
  await world.failure(log.append(write(group1, entry(2, "b"))));
  const { log: second } = await world.restart();
  assert.deepEqual(await world.read(second, group1), ["1/1 a", "2/1 b"], "the cache shows it");
  world.disk.powerLoss();
  const third = await world.open();
  assert.deepEqual(await world.read(third.log, group1), ["1/1 a", "2/1 b"]);
  assert.equal(third.recovery.suspects.size, 0);
});

test("S10: a rotten body in the middle makes its group suspect, and no other", async () => {
  const [world, { log, recovery }] = await damagedLog((w) => w.disk.rot(firstSegment, page(3) + 500));
  const suspicion = {
    from: 2,
    through: 4,
    ballot: 1,
    hardStateLost: false,
    openEnded: false,
    evidence: "rot",
  };
  assert.deepEqual([...recovery.suspects], [[group1, suspicion]]);
  assert.equal(recovery.damagedBatchesCount, 1);
  assert.equal(recovery.cut, undefined);
  assert.equal((await world.read(log, group1)).length, 1);
  assert.deepEqual(await world.read(log, group2), ["1/1 other"]);
});

test("S10: a suspicion outlives restarts and new entries until it is settled", async () => {
  const [world, { log }] = await damagedLog((w) => w.disk.rot(firstSegment, page(3) + 500));
  await world.run(log.append(write(group1, entry(2, "fetched"), entry(3, "fetched"))));
  const again = await world.restart();
  assert.equal(again.recovery.suspects.get(group1)?.through, 4);
  assert.equal(again.log.group(group1)?.lastIndex, 3);
  await world.run(again.log.settle(group1));
  assert.equal(again.log.group(group1)?.suspicion, undefined);
  const third = await world.restart();
  assert.equal(third.recovery.suspects.size, 0);
  assert.equal(third.log.group(group1)?.lastIndex, 3);
});

test("S10: an accepted loss stays accepted, although the damage is found again", async () => {
  const [world, { log }] = await damagedLog((w) => w.disk.rot(firstSegment, page(3) + 500));
  await world.run(log.settle(group1));
  const again = await world.restart();
  assert.equal(again.recovery.suspects.size, 0);
  assert.equal(again.log.group(group1)?.lastIndex, 1);
});

test("S10: a rotten header in the middle is told from the end by the batches behind it", async () => {
  const [world, { log, recovery }] = await damagedLog((w) => w.disk.rot(firstSegment, page(3) + 9));
  assert.equal(recovery.cut, undefined);
  assert.equal(recovery.suspects.get(group1)?.through, 4);
  assert.equal(recovery.suspects.get(group1)?.from, 1, "nobody knows what the lost batch replaced");
  assert.equal(recovery.suspects.get(group1)?.hardStateLost, true);
  assert.equal(recovery.suspects.get(group2)?.hardStateLost, true, "no later batch names group 2");
  assert.equal(recovery.suspects.get(group2)?.openEnded, true);
  assert.equal(recovery.suspects.get(group1)?.openEnded, false, "a later batch says where group 1 ended");
  assert.equal(recovery.headersLost, true);
  assert.equal((await world.read(log, group1)).length, 0);
});

test("S10: missing headers are reported at every start until the loss is accepted and the segments are gone", async () => {
  const world = new LogWorld(13);
  const { log } = await world.open();
  await world.run(log.append(write(group2, entry(1, "only here"))));
  await world.run(log.append(write(group1, entry(1, "a"))));
  world.disk.kill();
  world.disk.rot(firstSegment, page(1) + 9);
  for (const life of [1, 2]) {
    const { log: again, recovery } = await world.restart();
    assert.equal(recovery.headersLost, true, `life ${life}`);
    assert.equal(again.group(group2), undefined, "nothing names it any more");
    again.checkpoint(group1, logIndex(1));
    await world.simulation.runUntilIdle();
    if (life === 2) again.acceptHeadersLost();
    await world.simulation.runUntilIdle();
  }
  assert.equal((await world.restart()).recovery.headersLost, false);
});

/** Two groups, so many entries of both that the log goes through some segments; then everything of group 1 is checkpointed. */
async function deletedSegment(checkpointed: number): Promise<[LogWorld, Uint8Array]> {
  const world = new LogWorld(5);
  const { log } = await world.open();
  await world.run(log.append({ group: group2, entries: [entry(1, "other")], hardState: utf8("vote") }));
  await appendOneByOne(world, log, 1);
  const first = await world.run(world.disk.open(firstSegment, "read"));
  const bytes = await world.run(first.read(0, await world.run(first.size())));
  for (let index = 2; index <= 30; index++)
    await world.run(log.append(write(group1, entry(index, `${index}`.repeat(1500)))));
  log.checkpoint(group1, logIndex(checkpointed));
  log.checkpoint(group2, logIndex(1));
  await world.run(log.append(write(group1, entry(31, "behind"))));
  await world.simulation.runUntilIdle();
  for (let index = 32; index <= 45; index++)
    await world.run(log.append(write(group1, entry(index, `${index}`.repeat(1500)))));
  await world.simulation.runUntilIdle();
  return [world, bytes];
}

async function bringBack(world: LogWorld, bytes: Uint8Array): Promise<void> {
  const file = await world.run(world.disk.open(firstSegment, "create"));
  await world.run(file.write(0, [bytes]));
  await world.run(file.sync());
}

test("S9: a deleted segment whose name came back with a power loss is left over, not a log with a gap", async () => {
  const [world, bytes] = await deletedSegment(30);
  const before = await world.restart();
  const entries = await world.read(before.log, group1);
  world.disk.kill();
  assert.ok(!(await world.run(world.disk.list("wal"))).includes("00000001.wal"), "it was deleted");
  await bringBack(world, bytes);
  const { log, recovery } = await world.restart();
  assert.deepEqual([recovery.suspects.size, recovery.headersLost], [0, false]);
  assert.deepEqual(await world.read(log, group1), entries);
  assert.equal(log.group(group2)?.lastIndex, 1);
});

test("S10: segments that are missing in the middle and were needed make their group suspect", async () => {
  const [world, bytes] = await deletedSegment(30);
  world.disk.kill();
  const names = (await world.run(world.disk.list("wal"))).filter((name) => name.endsWith(".wal")).sort();
  await bringBack(world, bytes);
  for (const name of names.slice(0, -2)) await world.run(world.disk.remove(`wal/${name}`));
  const { recovery } = await world.restart();
  assert.deepEqual([...recovery.suspects.keys()], [group1]);
});

test("S10: a group that later batches name in unbroken order is not suspect for a header lost in between", async () => {
  const world = new LogWorld(3);
  const { log } = await world.open();
  await world.run(log.append(write(group2, entry(1, "a"))));
  await world.run(log.append(write(group1, entry(1, "lost"))));
  await world.run(log.append(write(group2, entry(2, "b"))));
  world.disk.kill();
  world.disk.rot(firstSegment, page(2) + 9);
  const { log: again, recovery } = await world.open();
  assert.equal(recovery.suspects.get(group2), undefined);
  assert.deepEqual(await world.read(again, group2), ["1/1 a", "2/1 b"]);
});

test("S10: rot in the last batch is not cut when a proof stands behind it", async () => {
  const [, { recovery }] = await damagedLog((w) => w.disk.rot(firstSegment, page(5) + 9));
  assert.equal(recovery.suspects.get(group1)?.hardStateLost, true);
  assert.equal(recovery.cut, undefined);
});

test("S10: rot in the body of the last, unproven batch is told from a torn tail, and never cut", async () => {
  for (const onTornTail of ["cut", "suspect"] as const) {
    const world = new LogWorld(4);
    const { log } = await world.open();
    await appendOneByOne(world, log, 2);
    world.disk.kill();
    world.disk.rot(firstSegment, page(2) + 1500);
    const { recovery } = await world.open({ onTornTail });
    assert.equal(recovery.suspects.get(group1)?.evidence, "rot");
    assert.deepEqual([recovery.suspects.get(group1)?.from, recovery.suspects.get(group1)?.through], [2, 2]);
  }
});

test("S10: a torn last batch is cut or suspect, as the caller says, and reported", async () => {
  for (const onTornTail of ["cut", "suspect"] as const) {
    const world = new LogWorld(5);
    const { log } = await world.open();
    await appendOneByOne(world, log, 2);
    world.disk.kill();
    await overwrite(world, firstSegment, page(2) + 1024, new Uint8Array(512));
    const { log: again, recovery } = await world.restart({ onTornTail });
    assert.equal(again.group(group1)?.lastIndex, 1);
    if (onTornTail === "cut") {
      assert.deepEqual(recovery.cut, { segment: 1, offset: page(2), evidence: "torn", groups: [group1] });
      assert.equal(recovery.suspects.size, 0);
    } else {
      assert.equal(recovery.cut, undefined);
      assert.equal(recovery.suspects.get(group1)?.evidence, "torn");
    }
    await world.run(again.append(write(group1, entry(2, "new"))));
    const third = await world.restart({ onTornTail });
    assert.equal(third.log.group(group1)?.lastIndex, 2);
    assert.equal(third.recovery.suspects.size, onTornTail === "cut" ? 0 : 1);
  }
});

test("S10: a hard state in a damaged batch is reported lost, unless a later one replaced it", async () => {
  for (const replaced of [false, true]) {
    const world = new LogWorld(6);
    const { log } = await world.open();
    await world.run(log.append({ group: group1, entries: [], hardState: utf8("1".repeat(700)) }));
    await world.run(log.append({ group: group1, entries: [], hardState: utf8("2".repeat(700)) }));
    if (replaced) await world.run(log.append({ group: group1, entries: [], hardState: utf8("3") }));
    await world.simulation.runUntilIdle();
    world.disk.kill();
    world.disk.rot(firstSegment, page(2) + 600);
    const { log: again, recovery } = await world.open();
    assert.equal(recovery.suspects.get(group1)?.hardStateLost, replaced ? undefined : true);
    assert.deepEqual(again.group(group1)?.hardState, utf8(replaced ? "3" : "1".repeat(700)));
  }
});

test("S10: damage to entries that are checkpointed or replaced harms nobody", async () => {
  const world = new LogWorld(7);
  const { log } = await world.open();
  await appendOneByOne(world, log, 3);
  await world.run(log.append(write(group1, entry(3, "replaced", 2))));
  log.checkpoint(group1, logIndex(2));
  await world.run(log.append(write(group1, entry(4, "d", 2))));
  world.disk.kill();
  for (const batch of [1, 2, 3]) world.disk.rot(firstSegment, page(batch) + 1500);
  const { log: again, recovery } = await world.open();
  assert.equal(recovery.damagedBatchesCount, 3);
  assert.equal(recovery.suspects.size, 0);
  assert.deepEqual(await world.read(again, group1), ["3/2 replaced", "4/2 d"]);
});

test("S10: one rotten copy of a segment header costs nothing, two make every group suspect", async () => {
  for (const copiesCount of [1, 2]) {
    const world = new LogWorld(8);
    const { log } = await world.open();
    await world.run(log.append({ group: group2, entries: [entry(1, "other")], hardState: utf8("vote") }));
    await appendOneByOne(world, log, 12);
    world.disk.kill();
    for (let copy = 0; copy < copiesCount; copy++) world.disk.rot("wal/00000002.wal", copy * 4096 + 20);
    const { recovery } = await world.open();
    assert.equal(recovery.suspects.size, copiesCount === 1 ? 0 : 2);
  }
});

test("S8: batches of another segment, or of another place in their own, never count", async () => {
  const world = new LogWorld(9);
  const { log } = await world.open();
  await appendOneByOne(world, log, 2);
  const { log: second } = await world.restart();
  for (let index = 3; index <= 5; index++) await world.run(second.append(write(group1, entry(index, "x"))));
  world.disk.kill();
  const [old, young] = [firstSegment, "wal/00000002.wal"].map((path) => world.disk.peek(path)?.slice());
  assert.ok(old !== undefined && young !== undefined);
  // What a recycled segment could hold behind its end: later batches, in the very places where they were written.
  await overwrite(world, firstSegment, page(3), young.subarray(page(3), page(4)));
  await overwrite(world, "wal/00000002.wal", page(5), old.subarray(page(2), page(3)));
  const { log: third, recovery } = await world.restart();
  assert.equal(recovery.batchesCount, 3 + 4);
  assert.equal(recovery.suspects.size, 0);
  assert.equal(third.group(group1)?.lastIndex, 5);
});

test("S8: a batch that the disk wrote in another place does not count there, and its group is suspect", async () => {
  for (const proven of [false, true]) {
    const world = new LogWorld(14);
    const { log } = await world.open();
    await world.run(log.append(write(group1, entry(1, "a"))));
    world.disk.misdirectNextWrite(2 * 4096);
    await world.run(log.append(write(group1, entry(2, "b"))));
    if (proven) await world.simulation.runUntilIdle();
    const { log: again, recovery } = await world.restart();
    assert.equal(recovery.batchesCount, proven ? 3 : 2);
    assert.equal(recovery.suspects.has(group1), proven);
    assert.equal(recovery.headersLost, proven);
    if (!proven) assert.equal(again.group(group1)?.lastIndex, 1);
  }
});

async function refusal(world: LogWorld): Promise<unknown> {
  return world.failure(openWriteAheadLog(world.options()));
}

test("open: a segment of another log, or under another number, is refused", async () => {
  const [world, other] = [new LogWorld(10), new LogWorld(11)];
  for (const one of [world, other]) {
    await one.open();
    await one.simulation.runUntilIdle();
    one.disk.kill();
  }
  await world.run(world.disk.rename(firstSegment, "wal/00000005.wal"));
  const misnamed = await refusal(world);
  assert.ok(misnamed instanceof WalError && misnamed.kind === "foreign");
  await world.run(world.disk.rename("wal/00000005.wal", firstSegment));
  await overwrite(world, "wal/00000002.wal", 0, other.disk.peek("wal/00000002.wal") ?? new Uint8Array(0));
  const foreign = await refusal(world);
  assert.ok(foreign instanceof WalError && foreign.kind === "foreign", String(foreign));
});

test("open: a newer format is refused, not taken for damage", async () => {
  const world = new LogWorld(12);
  await world.open();
  world.disk.kill();
  const header = world.disk.peek(firstSegment)?.slice(0, 512) ?? new Uint8Array(512);
  const view = new DataView(header.buffer);
  view.setUint32(8, 2);
  view.setUint32(508, simulatedHashing.crc32(header.subarray(0, 508)));
  await overwrite(world, firstSegment, 0, header);
  const error = await refusal(world);
  assert.ok(error instanceof UnsupportedVersionError);
  assert.match(error.message, /version 2; this program knows up to 1/);
});
