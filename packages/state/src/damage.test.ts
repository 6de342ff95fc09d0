import assert from "node:assert/strict";
import { test } from "node:test";
import { groupId, StoreError, text, toHex, utf8 } from "@holdfast/base";
import type { SimulatedKeyValue } from "@holdfast/ports/simulated";
import { simulatedHashing } from "@holdfast/ports/simulated";
import { applyUpTo, assertExact, newDisk, openStates, positionAt } from "../test-support/entries.ts";
import { damageKey } from "./damage-record.ts";
import { groupKey, stagedKey } from "./group-record.ts";
import type { GroupState } from "./group-state.ts";
import { StateStore } from "./state-store.ts";

const group = groupId(3);

/** A store whose owner condemns what is found damaged. */
function openGuarded(disk: SimulatedKeyValue): StateStore {
  return new StateStore(disk.mount(), simulatedHashing, (state) => state.condemn("found damaged"));
}

/** On a disk: entries 1 to 9 of the group, and of a neighbour. */
async function filled(): Promise<SimulatedKeyValue> {
  const disk = newDisk(1);
  const store = openStates(disk);
  for (const id of [group, groupId(4)]) applyUpTo(store.group(id), 9);
  await store.flush();
  return disk;
}

function rotFirstPair(disk: SimulatedKeyValue): void {
  for (const { key } of disk.range({ from: Uint8Array.of(1, 0, 0, 0, 3) })) return disk.rot(key, 33);
}

function readAll(state: GroupState): number {
  return [...state.range({ from: new Uint8Array(0) })].length;
}

const refused = (error: unknown): boolean =>
  error instanceof StoreError && error.code === "Unavailable" && error.outcome === "not-applied";

/** The state at 12, as another replica has it. */
async function reload(state: GroupState, index: number = 12): Promise<void> {
  const sender = openStates(newDisk(2)).group(group);
  applyUpTo(sender, index);
  const { position, body } = await sender.snapshot();
  await (await state.stage(position, body)).install();
}

test("damage: a state that is condemned is read and changed by nobody, walked by nobody, sent to nobody (S12)", async () => {
  const store = openGuarded(await filled());
  const state = store.group(group);
  state.keepRecord(text, utf8("kept"), "kept");
  const walk = state.walkDigest();
  state.condemn("for a test");
  assert.equal(state.damage, "for a test");
  for (const use of [
    () => state.get(utf8("key-1")),
    () => state.peek(utf8("kept")),
    () => state.getRecord(text, utf8("kept")),
    () => readAll(state),
    () => state.put(utf8("key-1"), utf8("x")),
    () => state.keepRecord(text, utf8("key-1"), "x"),
    () => state.remove(utf8("key-1")),
  ])
    assert.throws(use, refused);
  assert.throws(() => state.advance(positionAt(10)), /nothing is applied to a damaged state/);
  assert.equal(walk.step(1).matches, true, "it has ended");
  await assert.rejects(state.snapshot(), refused);
  assertExact(store.group(groupId(4)));
});

test("damage: whoever finds it, the owner is told first: a read, a walk, a snapshot, a flush of what was kept", async () => {
  const finders: readonly ((state: GroupState, store: StateStore) => unknown)[] = [
    (state) => assert.throws(() => readAll(state), refused),
    (state) => assert.equal(state.walkDigest().step(100).damagedKeys.length, 1),
    async (state) => {
      const { body } = await state.snapshot();
      await assert.rejects(async () => {
        for await (const _ of body);
      }, refused);
    },
    async (state, store) => {
      for (let i = 0; i < 20; i++) state.keepRecord(text, utf8(`key-${i}`), "kept");
      await store.flush();
    },
  ];
  for (const find of finders) {
    const disk = await filled();
    rotFirstPair(disk);
    const store = openGuarded(disk);
    const state = store.group(group);
    await find(state, store);
    assert.equal(state.damage, "found damaged");
  }
});

test("damage: of a record where it lies, a walk and a snapshot find it, though memory knows what it said", async () => {
  for (const recordKey of [groupKey, stagedKey]) {
    const disk = await filled();
    const store = openGuarded(disk);
    const state = store.group(group);
    const sender = openStates(newDisk(2)).group(group);
    applyUpTo(sender, 11);
    const { position, body } = await sender.snapshot();
    await state.stage(position, body);
    disk.rot(recordKey(group));
    assert.deepEqual(state.walkDigest().step(100).matches, false);
    assert.equal(state.damage, "found damaged");
  }
  const disk = await filled();
  const state = openGuarded(disk).group(group);
  disk.rot(groupKey(group));
  await assert.rejects(state.snapshot(), refused);
  assert.equal(state.damage, "found damaged");
});

test("damage: it is remembered over a crash, with the place of the last whole entry, until another state is installed", async () => {
  const disk = await filled();
  const store = openGuarded(disk);
  const state = store.group(group);
  // An entry that came upon the damage half done.
  state.put(utf8("key-1"), utf8("half an entry"));
  state.condemn("for a test");
  store.group(groupId(4));
  assert.deepEqual([...(await store.flush()).keys()], [groupId(4)], "the log keeps the entries of the other");
  disk.powerLoss();
  const again = openGuarded(disk);
  const found = again.group(group);
  assert.deepEqual([found.damage, found.applied], ["for a test", positionAt(9)]);
  await reload(found);
  assert.equal(found.damage, undefined);
  assertExact(found);
  disk.powerLoss();
  assertExact(openGuarded(disk).group(group));
  assert.equal(disk.get(damageKey(group)), undefined);
});

test("damage: a state of the same place, or one before, takes the place of a damaged one", async () => {
  for (const index of [9, 5]) {
    const disk = await filled();
    const state = openGuarded(disk).group(group);
    state.condemn("for a test");
    await reload(state, index);
    assertExact(state);
    assert.equal(state.appliedIndex, index);
  }
});

test("damage: of a group's own records the group is told damaged; nothing is removed before another state is whole", async () => {
  for (const recordKey of [groupKey, stagedKey]) {
    const disk = await filled();
    const store = openStates(disk);
    const sender = openStates(newDisk(2)).group(group);
    applyUpTo(sender, 11);
    const { position, body } = await sender.snapshot();
    await store.group(group).stage(position, body);
    const pairs = [...disk.range({ from: new Uint8Array(0) })].map(({ key }) => toHex(key));
    disk.rot(recordKey(group));
    const state = openGuarded(disk).group(group);
    assert.equal(state.damage, "a record of it does not match its checksum");
    await state.garbageRemoved();
    assert.deepEqual(
      [...disk.range({ from: new Uint8Array(0) })].map(({ key }) => toHex(key)),
      pairs,
    );
    await reload(state);
    await state.garbageRemoved();
    assertExact(state);
    disk.powerLoss();
    const reopened = openGuarded(disk).group(group);
    assertExact(reopened);
    await reopened.garbageRemoved();
    const generations = new Set(
      [...disk.range({ from: Uint8Array.of(3), to: Uint8Array.of(4) })].map(({ key }) =>
        toHex(key.subarray(5, 9)),
      ),
    );
    assert.equal(generations.size, 1, "what was before is gone");
  }
});

test("damage: golden bytes of the mark, and one that rotted itself still marks", async () => {
  const disk = await filled();
  const store = openGuarded(disk);
  store.group(group).condemn("why");
  await store.flush();
  assert.equal(toHex(disk.get(damageKey(group)) ?? new Uint8Array(0)), "79a101200103776879");
  disk.rot(damageKey(group));
  assert.equal(openGuarded(disk).group(group).damage, "it was found damaged before");
});
