import assert from "node:assert/strict";
import { test } from "node:test";
import { groupId, seededRandom } from "@holdfast/base";
import { SimulatedKeyValue } from "@holdfast/ports/simulated";
import { applyEntry, openStates } from "../test-support/entries.ts";
import { emptyStateStore } from "./empty-state-store.ts";

test("emptied state store: nothing of any group is left, also behind a power loss, and groups begin anew in it", async () => {
  const disk = new SimulatedKeyValue({ random: seededRandom(1) });
  const before = openStates(disk);
  for (const group of [0, 1, 7])
    for (let index = 1; index <= 800; index++) applyEntry(before.group(groupId(group)), index);
  before.group(groupId(7)).condemn("a bit flipped");
  await before.flush();
  disk.kill();
  await emptyStateStore(disk.mount());
  disk.powerLoss();
  assert.deepEqual([...disk.mount().range({ from: Uint8Array.of(0) })], []);
  const after = openStates(disk);
  for (const group of [0, 1, 7]) {
    const state = after.group(groupId(group));
    assert.deepEqual([state.appliedIndex, state.damage], [0, undefined]);
    applyEntry(state, 1);
  }
});
