import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "@holdfast/base";
import { encode, groupId, seededRandom, text, uniform, utf8 } from "@holdfast/base";
import { SimulatedKeyValue, simulatedHashing } from "@holdfast/ports/simulated";
import {
  applyEntry,
  assertExact,
  contentsOf,
  newDisk,
  openStates,
  positionAt,
} from "../test-support/entries.ts";
import { StateKeys } from "./state-keys.ts";
import { StateCorruptError } from "./stored-value.ts";

function storedKey(group: number, key: string): Uint8Array {
  return new StateKeys(groupId(group), 0, simulatedHashing).stored(utf8(key));
}

/** A flush that was under way when the process died. */
function onlyAfterDeath(error: unknown): void {
  assert.match(String(error), /dead/);
}

async function crashRun(random: Random): Promise<void> {
  const disk = new SimulatedKeyValue({ random });
  const applied = [0, 0];
  const durable = [0, 0];
  for (let life = 0; life < 5; life++) {
    const store = openStates(disk);
    for (const group of [0, 1]) {
      const state = store.group(groupId(group));
      assertExact(state);
      assert.ok(state.appliedIndex >= (durable[group] ?? 0), "a flushed index is never lost");
      applied[group] = state.appliedIndex;
    }
    const flushes: Promise<void>[] = [];
    for (let step = uniform(random, 30); step > 0; step--) {
      const group = uniform(random, 2);
      const index = (applied[group] ?? 0) + 1;
      applied[group] = index;
      applyEntry(store.group(groupId(group)), index);
      if (uniform(random, 6) === 0) flushes.push(store.flush().then((all) => remember(all), onlyAfterDeath));
      if (uniform(random, 3) === 0) await Promise.resolve();
    }
    if (uniform(random, 2) === 0) await Promise.all(flushes);
    if (uniform(random, 2) === 0) disk.powerLoss();
    else disk.kill();
  }

  function remember(all: ReadonlyMap<number, number>): void {
    for (const group of [0, 1]) durable[group] = Math.max(durable[group] ?? 0, all.get(group) ?? 0);
  }
}

test("state store: a crash leaves every group exactly at its applied index, at or behind the last flush", async () => {
  for (let seed = 1; seed <= 200; seed++) await crashRun(seededRandom(seed));
});

test("state store: a group reads its own keys alone, in order, both ways", () => {
  const store = openStates(newDisk(1));
  const [first, second] = [store.group(groupId(1)), store.group(groupId(2))];
  for (const key of ["b", "a", "c"]) {
    first.put(utf8(key), utf8(`1${key}`));
    second.put(utf8(key), utf8(`2${key}`));
  }
  const keys = (reverse: boolean, to?: Uint8Array): string =>
    [...first.range({ from: utf8("a"), to, reverse })]
      .map(({ value }) => String.fromCharCode(...value))
      .join(" ");
  assert.equal(keys(false), "1a 1b 1c");
  assert.equal(keys(true), "1c 1b 1a");
  assert.equal(keys(false, utf8("c")), "1a 1b");
});

test("state store: a value that rotted is found when it is read, and never served (S12)", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const disk = newDisk(seed);
    const store = openStates(disk);
    const state = store.group(groupId(3));
    state.put(utf8("key"), utf8("value"));
    state.advance(positionAt(1));
    await store.flush();
    disk.rot(storedKey(3, "key"));
    const reopened = openStates(disk).group(groupId(3));
    assert.throws(() => reopened.get(utf8("key")), StateCorruptError);
    assert.throws(() => reopened.recomputeDigest(), StateCorruptError);
  }
});

test("state store: a value shown under another key or group is refused (S12)", async () => {
  const disk = newDisk(1);
  const store = openStates(disk);
  store.group(groupId(1)).put(utf8("a"), utf8("value"));
  await store.flush();
  const stored = disk.get(storedKey(1, "a"));
  assert.ok(stored !== undefined);
  for (const [group, key] of [
    [1, "b"],
    [2, "a"],
  ] as const) {
    await disk.write([{ key: storedKey(group, key), value: stored }]);
    assert.throws(() => openStates(disk).group(groupId(group)).get(utf8(key)), StateCorruptError);
  }
});

test("state store: the digest does not depend on the order of changes", () => {
  const forward = openStates(newDisk(1)).group(groupId(1));
  const backward = openStates(newDisk(1)).group(groupId(1));
  for (let i = 0; i < 50; i++) {
    forward.put(utf8(`k${i}`), utf8(`v${i}`));
    backward.put(utf8(`k${49 - i}`), utf8("something else first"));
    backward.put(utf8(`k${49 - i}`), utf8(`v${49 - i}`));
  }
  backward.put(utf8("extra"), utf8("x"));
  assert.notDeepEqual(backward.digest, forward.digest);
  backward.remove(utf8("extra"));
  assert.deepEqual(backward.digest, forward.digest);
});

test("state store: a kept record shows as its bytes to all who ask for bytes", () => {
  const state = openStates(newDisk(1)).group(groupId(1));
  const key = utf8("k");
  const kept = (value: string): Uint8Array => {
    state.keepRecord(text, key, value);
    return encode(text, value);
  };
  const first = kept("first");
  assert.deepEqual(state.get(key), first);
  const second = kept("second");
  assert.deepEqual([...state.range({ from: new Uint8Array(0) })], [{ key, value: second }]);
  kept("third");
  assert.deepEqual(state.digest, state.recomputeDigest());
  kept("fourth");
  state.remove(key);
  assert.equal(state.getRecord(text, key), undefined);
  assert.deepEqual(contentsOf(state).contents, []);
});

test("state store: a flush that had to wait takes records and index as they are when it starts", async () => {
  const disk = newDisk(1);
  const store = openStates(disk);
  const state = store.group(groupId(1));
  applyEntry(state, 1);
  const first = store.flush();
  const second = store.flush();
  applyEntry(state, 2);
  await first;
  await second;
  assertExact(openStates(disk).group(groupId(1)));
});
