import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, emptyBytes, groupId, logIndex, seededRandom, utf8 } from "@holdfast/base";
import { SimulatedKeyValue, simulatedHashing } from "@holdfast/ports/simulated";
import { StateStore } from "@holdfast/state";
import { DigestHistory } from "./digest-history.ts";

function replica(): { readonly history: DigestHistory; readonly applyUpTo: (index: number) => void } {
  const store = new SimulatedKeyValue({ random: seededRandom(1) });
  const state = new StateStore(store.mount(), simulatedHashing).group(groupId(1));
  const history = new DigestHistory(state);
  const applyUpTo = (index: number): void => {
    while (state.appliedIndex < index) {
      const next = state.appliedIndex + 1;
      state.put(utf8(`key-${next % 100}`), utf8(`of ${next}`));
      state.advance({ index: logIndex(next), ballot: ballot(1), membership: emptyBytes });
      history.onApplied();
    }
  };
  return { history, applyUpTo };
}

test("digest history: replicas that are never at one index have digests in common, and these are equal", () => {
  const [ahead, behind] = [replica(), replica()];
  ahead.applyUpTo(9000);
  behind.applyUpTo(7001);
  const known = new Map(ahead.history.all.map(({ index, digest }) => [index, digest]));
  const shared = behind.history.all.filter(({ index }) => known.has(index));
  assert.ok(shared.length >= 3, `${shared.length} in common`);
  for (const { index, digest } of shared) assert.deepEqual(digest, known.get(index), `at ${index}`);
  assert.ok(ahead.history.all.length <= 9, "few are remembered");
});

test("digest history: they are in order, that of now is the last, and each stands once", () => {
  const { history, applyUpTo } = replica();
  assert.deepEqual(
    history.all.map(({ index }) => Number(index)),
    [0],
  );
  applyUpTo(1024);
  assert.deepEqual(
    history.all.map(({ index }) => Number(index)),
    [512, 1024],
  );
  history.clear();
  applyUpTo(1025);
  assert.deepEqual(
    history.all.map(({ index }) => Number(index)),
    [1025],
  );
});
