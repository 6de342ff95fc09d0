import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, logIndex, utf8 } from "@holdfast/base";
import type { WalErrorKind } from "./log-error.ts";
import { WalError } from "./log-error.ts";
import { entry, group1, group2, group3, LogWorld, smallSegmentBytes, write } from "./log-world.test.ts";
import { openWriteAheadLog } from "./open-log.ts";
import type { LogWrite, WriteAheadLog } from "./write-ahead-log.ts";

function isWalError(error: unknown, kind: WalErrorKind): void {
  assert.ok(error instanceof WalError, String(error));
  assert.equal(error.kind, kind);
}

/** Appends entries of about `bytes` one after the other, so that each makes a batch of its own. */
async function fill(
  world: LogWorld,
  log: WriteAheadLog,
  from: number,
  to: number,
  bytes = 3000,
): Promise<void> {
  for (let index = from; index <= to; index++) {
    await world.run(log.append(write(group1, entry(index, "x".repeat(bytes)))));
  }
}

test("append: what a killed process wrote is readable by the next, under the same incarnation", async () => {
  const world = new LogWorld(1);
  const { log, recovery } = await world.open();
  assert.equal(recovery.created, true);
  await world.run(log.append(write(group1, entry(1, "a"), entry(2, "b"))));
  const again = await world.restart();
  assert.equal(again.recovery.created, false);
  assert.deepEqual(await world.read(again.log, group1), ["1/1 a", "2/1 b"]);
  assert.equal(again.log.incarnation, log.incarnation);
});

test("append: entries of several groups in one burst make one batch and are read back", async () => {
  const world = new LogWorld(1);
  const { log } = await world.open();
  const before = world.disk.peek("wal/00000001.wal")?.slice() ?? new Uint8Array(0);
  const burst = [
    log.append(write(group1, entry(1, "a"))),
    log.append(write(group2, entry(1, "b"), entry(2, "c"))),
    log.append(write(group1, entry(2, "d"))),
  ];
  assert.ok(log.queuedBytes > 0);
  await world.run(Promise.all(burst));
  assert.equal(log.queuedBytes, 0);
  assert.deepEqual(await world.read(log, group1), ["1/1 a", "2/1 d"]);
  assert.deepEqual(await world.read(log, group2), ["1/1 b", "2/1 c"]);
  const after = world.disk.peek("wal/00000001.wal") ?? new Uint8Array(0);
  const pages = [2, 3, 4, 5].filter((page) =>
    after.subarray(page * 4096, page * 4096 + 4096).some((byte) => byte !== 0),
  );
  assert.deepEqual(pages, [2, 3], "the opening batch and one more");
  assert.deepEqual(after.subarray(0, 3 * 4096), before.subarray(0, 3 * 4096));
});

test("append: what is queued while a write is in flight goes into the next batch", async () => {
  const world = new LogWorld(2);
  const { log } = await world.open();
  const order: string[] = [];
  const first = log.append(write(group1, entry(1, "a"))).then(() => order.push("a"));
  // The clock's `soon` starts the first batch; these come while it is being written.
  await world.simulation.step();
  const rest = [
    log.append(write(group1, entry(2, "b"))).then(() => order.push("b")),
    log.append(write(group2, entry(1, "c"))).then(() => order.push("c")),
  ];
  await world.run(Promise.all([first, ...rest]));
  assert.deepEqual(order, ["a", "b", "c"]);
  const { recovery } = await world.restart();
  assert.equal(recovery.batchesCount, 3);
});

test("append: who knows that nothing more comes has it written at once", async () => {
  const world = new LogWorld(1);
  const { log } = await world.open();
  const appends = [log.append(write(group1, entry(1, "a"))), log.append(write(group2, entry(1, "b")))];
  log.writeNow();
  appends.push(log.append(write(group1, entry(2, "c"))));
  await world.run(Promise.all(appends));
  const bytes = world.disk.peek("wal/00000001.wal") ?? new Uint8Array(0);
  const pages = [2, 3, 4, 5].filter((page) =>
    bytes.subarray(page * 4096, page * 4096 + 4096).some((byte) => byte !== 0),
  );
  assert.deepEqual(pages, [2, 3, 4], "the opening batch, what was there, and what came behind it");
  assert.deepEqual(await world.read(log, group1), ["1/1 a", "2/1 c"]);
});

test("append: an index at or below the last replaces the suffix", async () => {
  const world = new LogWorld(3);
  const { log } = await world.open();
  await world.run(log.append(write(group1, entry(1, "a"), entry(2, "b"), entry(3, "c"))));
  await world.run(
    Promise.all([
      log.append(write(group1, entry(2, "B", 2))),
      log.append(write(group1, entry(3, "C", 2), entry(4, "D", 3))),
    ]),
  );
  const expected = ["1/1 a", "2/2 B", "3/2 C", "4/3 D"];
  assert.deepEqual(await world.read(log, group1), expected);
  assert.deepEqual(
    [0, 1, 2, 4, 5].map((index) => log.ballotAt(group1, logIndex(index))),
    [0, 1, 2, 3, undefined],
  );
  assert.deepEqual(await world.read((await world.restart()).log, group1), expected);
});

test("append: entries that leave a gap, or replace what is checkpointed, are refused and nothing is written", async () => {
  const world = new LogWorld(4);
  const { log } = await world.open();
  await world.run(log.append(write(group1, entry(1, "a"), entry(2, "b"))));
  log.checkpoint(group1, logIndex(1));
  for (const refused of [
    write(group1, entry(4, "x")),
    write(group1, entry(1, "x")),
    write(group1, entry(3, "x"), entry(5, "x")),
  ]) {
    isWalError(await world.failure(log.append(refused)), "not-contiguous");
  }
  await world.run(log.append(write(group1, entry(3, "c"))));
  assert.deepEqual(await world.read(log, group1), ["2/1 b", "3/1 c"]);
});

test("append: a base drops all entries and the log goes on behind it", async () => {
  const world = new LogWorld(5);
  const { log } = await world.open();
  await world.run(log.append(write(group1, entry(1, "a"), entry(2, "b"))));
  const jump: LogWrite = {
    group: group1,
    base: { index: logIndex(10), ballot: ballot(4) },
    entries: [entry(11, "k", 4)],
    hardState: utf8("hard"),
  };
  await world.run(log.append(jump));
  const lives = [async () => log, async () => (await world.restart()).log];
  for (const life of lives) {
    const shown = await life();
    assert.deepEqual(await world.read(shown, group1), ["11/4 k"]);
    assert.equal(shown.group(group1)?.checkpoint, 10);
    assert.equal(shown.ballotAt(group1, logIndex(10)), 4);
    assert.deepEqual(shown.group(group1)?.hardState, utf8("hard"));
  }
});

test("entries: the range is half open, bounded by bytes, and gives at least one entry", async () => {
  const world = new LogWorld(6);
  const { log } = await world.open();
  await fill(world, log, 1, 5, 100);
  const read = async (from: number, to: number, bytesMax: number): Promise<readonly number[]> =>
    (await world.run(log.entries(group1, logIndex(from), logIndex(to), bytesMax))).map(
      (found) => found.index,
    );
  assert.deepEqual(await read(2, 5, 10_000), [2, 3, 4]);
  assert.deepEqual(await read(2, 5, 200), [2, 3]);
  assert.deepEqual(await read(2, 5, 1), [2]);
  assert.deepEqual(await read(2, 2, 1), []);
  isWalError(await world.failure(log.entries(group1, logIndex(6), logIndex(7), 1)), "compacted");
  isWalError(await world.failure(log.entries(group3, logIndex(1), logIndex(2), 1)), "compacted");
});

test("entries: a bit that rotted since is reported, not handed out", async () => {
  const world = new LogWorld(7);
  const { log } = await world.open();
  await fill(world, log, 1, 1);
  world.disk.rot("wal/00000001.wal", 3 * 4096 + 1500);
  isWalError(await world.failure(log.entries(group1, logIndex(1), logIndex(2), 1)), "damaged");
});

test("checkpoint: segments go when every group's entries in them are checkpointed, hard states stay (S9)", async () => {
  const world = new LogWorld(8);
  const { log } = await world.open();
  await world.run(log.append({ group: group2, entries: [entry(1, "kept")], hardState: utf8("vote 7") }));
  await fill(world, log, 1, 40);
  const segmentsCount = log.segmentsCount;
  assert.ok(segmentsCount >= 5);
  log.checkpoint(group1, logIndex(39));
  await world.simulation.runUntilIdle();
  assert.equal(log.segmentsCount, segmentsCount, "group 2 still needs the first segment");
  log.checkpoint(group2, logIndex(1));
  await world.simulation.runUntilIdle();
  assert.ok(log.segmentsCount <= 2, `${log.segmentsCount} segments`);
  assert.ok((await world.run(world.disk.list("wal"))).length <= 3);
  const again = await world.restart();
  assert.equal(again.recovery.suspects.size, 0);
  assert.deepEqual(again.log.group(group2)?.hardState, utf8("vote 7"));
  assert.equal(again.log.group(group2)?.lastIndex, 1);
  assert.equal(again.log.group(group2)?.lastBallot, 1);
  assert.equal(again.log.group(group1)?.checkpoint, 39);
  assert.equal((await world.read(again.log, group1)).length, 1);
});

test("checkpoint: a segment is read to its end although it was let go meanwhile", async () => {
  const world = new LogWorld(9);
  const { log } = await world.open();
  await fill(world, log, 1, 30);
  const reading = log.entries(group1, logIndex(1), logIndex(2), 1);
  log.checkpoint(group1, logIndex(29));
  assert.equal((await world.run(reading)).length, 1);
  await world.simulation.runUntilIdle();
});

test("forget: a group that left is gone after a restart, and may come back from nothing", async () => {
  const world = new LogWorld(10);
  const { log } = await world.open();
  await world.run(
    Promise.all([log.append(write(group1, entry(1, "a"))), log.append(write(group2, entry(1, "b")))]),
  );
  await world.run(log.forget(group1));
  assert.deepEqual(log.groups(), [group2]);
  const again = await world.restart();
  assert.deepEqual(again.log.groups(), [group2]);
  await world.run(again.log.append(write(group1, entry(1, "new"))));
  const third = await world.restart();
  assert.deepEqual(await world.read(third.log, group1), ["1/1 new"]);
  assert.equal(third.recovery.suspects.size, 0);
});

test("bounds: a full queue and an outsized append are refused with nothing written", async () => {
  const world = new LogWorld(11);
  const { log } = await world.open({ queueBytesMax: 4000 });
  const first = log.append(write(group1, entry(1, "x".repeat(3000))));
  assert.equal(log.admits(3000), false);
  isWalError(await world.failure(log.append(write(group2, entry(1, "y".repeat(3000))))), "queue-full");
  await world.run(first);
  assert.equal(log.admits(3000), true);
  isWalError(
    await world.failure(log.append(write(group2, entry(1, "z".repeat(smallSegmentBytes / 2))))),
    "too-large",
  );
  assert.equal(log.group(group2), undefined);
});

test("bounds: a batch takes no more than it may, the rest follows", async () => {
  const world = new LogWorld(12);
  const { log } = await world.open({ batchBytesMax: 8000 });
  const all = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((index) =>
    log.append(write(group1, entry(index, "x".repeat(3000)))),
  );
  await world.run(Promise.all(all));
  assert.equal((await world.read(log, group1)).length, 9);
  const { recovery } = await world.restart();
  assert.ok(recovery.batchesCount >= 6, `${recovery.batchesCount} batches`);
});

test("no space: appends are refused, work again when there is room, and checkpoints go on meanwhile", async () => {
  const world = new LogWorld(13);
  const { log } = await world.open();
  world.disk.capacityBytes = 2 * smallSegmentBytes + 1000;
  let last = 0;
  let failure: unknown;
  while (failure === undefined && last < 50) {
    await fill(world, log, last + 1, last + 1).then(
      () => last++,
      (error: unknown) => (failure = error),
    );
  }
  isWalError(failure, "no-space");
  assert.equal(log.stopped, undefined);
  assert.equal(log.admits(3000), false);
  isWalError(await world.failure(log.append(write(group1, entry(last + 1, "x".repeat(3000))))), "no-space");
  assert.equal((await world.read(log, group1)).length, last);
  log.checkpoint(group1, logIndex(last));
  await world.simulation.runUntilIdle();
  const gap = log.append(write(group1, entry(last + 2, "x")));
  isWalError(await world.failure(gap), "not-contiguous");
  await fill(world, log, last + 1, last + 4);
  world.disk.capacityBytes = 10 * smallSegmentBytes;
  const again = await world.restart();
  assert.equal(again.log.group(group1)?.lastIndex, last + 4);
  assert.equal(again.recovery.suspects.size, 0);
});

test("no space: a reserve is left on the disk", async () => {
  const world = new LogWorld(14);
  world.disk.capacityBytes = 10 * smallSegmentBytes;
  isWalError(
    await world.failure(openWriteAheadLog({ ...world.options(), reserveBytes: 9.5 * smallSegmentBytes })),
    "no-space",
  );
  const { log } = await world.open({ reserveBytes: 7 * smallSegmentBytes });
  let failure: unknown;
  for (let index = 1; failure === undefined; index++)
    await fill(world, log, index, index).catch((error) => (failure = error));
  isWalError(failure, "no-space");
  const { freeBytes } = await world.run(world.disk.space());
  assert.ok(freeBytes >= 7 * smallSegmentBytes);
});

test("no descriptor: a segment whose name could not be made durable is made again, and nothing is poisoned", async () => {
  const world = new LogWorld(18);
  const { log } = await world.open();
  world.disk.failNext("sync-directory", /^wal$/, "too-many-files");
  let last = 0;
  let refused = 0;
  while (last < 60) {
    const failure = await fill(world, log, last + 1, last + 1).catch((error: unknown) => error);
    if (failure === undefined) last++;
    else {
      isWalError(failure, "no-space");
      refused++;
    }
  }
  assert.ok(refused <= 1);
  assert.equal(log.stopped, undefined);
  const again = await world.restart();
  assert.equal(again.log.group(group1)?.lastIndex, last);
  assert.equal(again.recovery.suspects.size, 0);
});

test("poison: after a failed synced write everything is refused and nothing is retried (S11)", async () => {
  const world = new LogWorld(15);
  const { log } = await world.open();
  await fill(world, log, 1, 1);
  world.disk.failNextSync();
  const inFlight = log.append(write(group1, entry(2, "b")));
  const retried = inFlight.catch(() => log.append(write(group1, entry(2, "b"))));
  isWalError(await world.failure(retried), "poisoned");
  isWalError(await world.failure(inFlight), "poisoned");
  isWalError(await world.failure(log.forget(group1)), "poisoned");
  assert.equal(log.stopped, "poisoned");
  assert.equal(log.admits(1), false);
  const bytes = world.disk.peek("wal/00000001.wal")?.slice();
  await world.simulation.runUntilIdle();
  await world.run(log.close());
  assert.deepEqual(world.disk.peek("wal/00000001.wal"), bytes);
});

test("poison: a segment that cannot be prepared for another reason than room poisons too (S11)", async () => {
  const world = new LogWorld(16);
  world.disk.failNextSync(/00000002\.wal\.new$/);
  const { log } = await world.open();
  let failure: unknown;
  for (let index = 1; failure === undefined; index++)
    await fill(world, log, index, index).catch((error) => (failure = error));
  isWalError(failure, "poisoned");
});

test("close: what is queued is written and proven; later calls are refused", async () => {
  const world = new LogWorld(17);
  const { log } = await world.open();
  const last = log.append(write(group1, entry(1, "a")));
  await world.run(Promise.all([last, log.close()]));
  isWalError(await world.failure(log.append(write(group1, entry(2, "b")))), "closed");
  isWalError(await world.failure(log.entries(group1, logIndex(1), logIndex(2), 1)), "closed");
  const { log: again, recovery } = await world.restart();
  assert.equal(recovery.batchesCount, 3, "the opening batch, the append, the proof");
  assert.deepEqual(await world.read(again, group1), ["1/1 a"]);
});

test("close: an idle log proves its last batch too", async () => {
  const world = new LogWorld(19);
  const { log } = await world.open();
  await world.run(log.append(write(group1, entry(1, "a"))));
  await world.run(log.close());
  assert.equal((await world.restart()).recovery.batchesCount, 3, "the opening batch, the append, the proof");
});

test("close: files are closed, so a second life may have as many", async () => {
  const world = new LogWorld(18);
  world.disk.filesOpenMax = 6;
  for (let life = 1; life <= 8; life++) {
    const { log } = await world.open();
    await world.run(log.append(write(group1, entry(life, "a"))));
    log.checkpoint(group1, logIndex(life));
    await world.run(log.close());
  }
});
