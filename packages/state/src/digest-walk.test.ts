import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "@holdfast/base";
import { groupId, present, seededRandom, uniform, utf8 } from "@holdfast/base";
import { SimulatedKeyValue, simulatedHashing } from "@holdfast/ports/simulated";
import { positionAt } from "../test-support/entries.ts";
import type { GroupState } from "./group-state.ts";
import { StateStore } from "./state-store.ts";

const group = groupId(3);

function change(state: GroupState, random: Random): void {
  // Some keys come right behind another one.
  const key = utf8(`key-${uniform(random, 40)}${uniform(random, 2) === 0 ? "\0" : ""}`);
  if (uniform(random, 3) === 0) state.remove(key);
  else state.put(key, random.bytes(1 + uniform(random, 40)));
}

test("digest walk: changes between its steps, before and behind it, leave the sum that of the state (S12)", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = seededRandom(seed);
    const store = new StateStore(new SimulatedKeyValue({ random }).mount(), simulatedHashing);
    const state = store.group(group);
    for (let i = 0; i < 80; i++) change(state, random);
    await store.flush();
    const walk = state.walkDigest();
    let pairs = 0;
    for (let matches: boolean | undefined; matches === undefined; ) {
      for (let i = uniform(random, 6); i > 0; i--) change(state, random);
      if (uniform(random, 5) === 0) await store.flush();
      const step = walk.step(1 + uniform(random, 9));
      pairs += step.pairs;
      assert.deepEqual(step.damagedKeys, []);
      matches = step.matches;
      if (matches !== undefined) assert.equal(matches, true, `seed ${seed}`);
    }
    assert.ok(pairs > 20);
  }
});

test("digest walk: a value that rotted is named, and a change that no digest knows is noticed", async () => {
  const random = seededRandom(1);
  const values = new SimulatedKeyValue({ random });
  const store = new StateStore(values.mount(), simulatedHashing);
  const state = store.group(group);
  for (let i = 0; i < 40; i++) state.put(utf8(`key-${i + 10}`), random.bytes(20));
  state.advance(positionAt(1));
  await store.flush();
  const [first, second] = [...values.range({ from: Uint8Array.of(1) })];
  values.rot(present(first, "pair").key, 8 * 10);
  const rotten = state.walkDigest().step(1000);
  assert.deepEqual(rotten, { ...rotten, damagedKeys: [utf8("key-10")], matches: true });
  await values.write([{ key: present(second, "pair").key, value: undefined }]);
  assert.equal(state.walkDigest().step(1000).matches, false);
});

test("digest walk: one that was left is told of nothing any more", () => {
  const store = new StateStore(new SimulatedKeyValue({ random: seededRandom(1) }).mount(), simulatedHashing);
  const state = store.group(group);
  const walk = state.walkDigest();
  state.put(utf8("a"), utf8("b"));
  walk.leave();
  state.put(utf8("a"), utf8("c"));
  assert.equal(state.walkDigest().step(10).matches, true);
});
