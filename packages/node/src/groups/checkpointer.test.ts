import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, emptyBytes, groupId, logIndex, seededRandom, utf8 } from "@holdfast/base";
import type { KeyValue, Mutation } from "@holdfast/ports";
import { silentJournal, silentMetrics } from "@holdfast/ports";
import {
  SimulatedClock,
  SimulatedDisk,
  SimulatedKeyValue,
  Simulation,
  simulatedHashing,
} from "@holdfast/ports/simulated";
import type { GroupState } from "@holdfast/state";
import { StateStore } from "@holdfast/state";
import type { WriteAheadLog } from "@holdfast/wal";
import { openWriteAheadLog } from "@holdfast/wal";
import { Checkpointer } from "./checkpointer.ts";

const pendingBytesMax = 10_000;
const segmentBytes = 256 * 1024;

/** The state store's key-value store, whose writes wait until it is let go on. */
function heldBack(store: KeyValue): { readonly store: KeyValue; readonly letGo: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const write = async (batch: readonly Mutation[]): Promise<void> => {
    await promise;
    await store.write(batch);
  };
  return {
    store: {
      get: (key) => store.get(key),
      peek: (key) => store.peek(key),
      range: (range) => store.range(range),
      openSnapshot: () => store.openSnapshot(),
      write,
      flush: () => store.flush(),
      close: () => store.close(),
    },
    letGo: resolve,
  };
}

function applyUpTo(state: GroupState, index: number): void {
  for (let next = state.appliedIndex + 1; next <= index; next++) {
    state.put(utf8(`key-${next}`), new Uint8Array(1000));
    state.advance({ index: logIndex(next), ballot: ballot(1), membership: emptyBytes });
  }
}

test("checkpointer: while a flush is slow, entries have room up to the limit and then wait for it", async () => {
  const random = seededRandom(1);
  const simulation = new Simulation({ random, drain: () => new Promise((resolve) => setImmediate(resolve)) });
  const clock = new SimulatedClock(simulation);
  const disk = new SimulatedDisk({ random, simulation }).mount();
  const ports = { disk, clock, random, hashing: simulatedHashing, journal: silentJournal };
  const { log } = await simulation.runUntilSettled(openWriteAheadLog({ ...ports, folder: "log" }));
  const entries = Array.from({ length: 20 }, (_, i) => ({
    index: logIndex(i + 1),
    ballot: ballot(1),
    payload: utf8("entry"),
  }));
  await simulation.runUntilSettled(log.append({ group: groupId(1), entries }));
  const { store, letGo } = heldBack(new SimulatedKeyValue({ random }).mount());
  const states = new StateStore(store, simulatedHashing);
  const state = states.group(groupId(1));
  const onFailure = (cause: unknown): void => assert.fail(String(cause));
  const hasRoom = (): Promise<boolean> => Promise.resolve(true);
  const options = { intervalMs: 1000, pendingBytesMax, hasRoom, onFailure, metrics: silentMetrics };
  const checkpointer = new Checkpointer(log, states, clock, silentJournal, options);

  applyUpTo(state, 10);
  assert.equal(checkpointer.room, undefined, "nothing to wait for without a flush");
  checkpointer.applied();
  // It asks for the disk's room first.
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(checkpointer.room, undefined, "the flush took what there was");
  applyUpTo(state, 20);
  const { room } = checkpointer;
  assert.ok(room !== undefined, "as much again has gathered");
  letGo();
  await simulation.runUntilSettled(room);
  assert.equal(checkpointer.room, undefined);
  await simulation.runUntilSettled(checkpointer.stop());
});

test("checkpointer: a state that is ahead of a log which lost its end to rot waits; other groups' logs go on (S10)", async () => {
  const random = seededRandom(1);
  const simulation = new Simulation({ random, drain: () => new Promise((resolve) => setImmediate(resolve)) });
  const clock = new SimulatedClock(simulation);
  const simulatedDisk = new SimulatedDisk({ random, simulation });
  const ports = { clock, random, hashing: simulatedHashing, journal: silentJournal };
  const open = async (): Promise<WriteAheadLog> => {
    const opening = openWriteAheadLog({ ...ports, disk: simulatedDisk.mount(), folder: "log", segmentBytes });
    return (await simulation.runUntilSettled(opening)).log;
  };
  const [rotten, whole] = [groupId(1), groupId(2)];
  const before = await open();
  for (const index of [1, 2, 3])
    for (const group of [rotten, whole]) {
      const entries = [{ index: logIndex(index), ballot: ballot(1), payload: utf8("entry") }];
      await simulation.runUntilSettled(before.append({ group, entries }));
    }
  await simulation.runUntilSettled(before.close());
  const [segment = ""] = await simulation.runUntilSettled(simulatedDisk.mount().list("log"));
  // Behind the segment's two headers and the log's own first batch: entry 2 of the rotten group is in the third one after that.
  simulatedDisk.rot(`log/${segment}`, 4096 * (2 + 1 + 2) + 80);
  const log = await open();
  assert.equal(log.group(rotten)?.lastIndex, 1);
  assert.notEqual(log.group(rotten)?.suspicion, undefined);

  const states = new StateStore(new SimulatedKeyValue({ random }).mount(), simulatedHashing);
  for (const group of [rotten, whole]) applyUpTo(states.group(group), 3);
  const onFailure = (cause: unknown): void => assert.fail(String(cause));
  const hasRoom = (): Promise<boolean> => Promise.resolve(true);
  const options = { intervalMs: 1000, pendingBytesMax, hasRoom, onFailure, metrics: silentMetrics };
  const checkpointer = new Checkpointer(log, states, clock, silentJournal, options);
  await simulation.runUntilSettled(checkpointer.checkpoint());
  assert.deepEqual([log.group(rotten)?.checkpoint, log.group(whole)?.checkpoint], [0, 3]);
  await simulation.runUntilSettled(checkpointer.stop());
});
