import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nodeId, seededRandom, toHex } from "@holdfast/base";
import type { Clock, KeyValue } from "@holdfast/ports";
import { SimulatedKeyValue } from "@holdfast/ports/simulated";
import { blockOf } from "../../test-support/replicated-cluster.ts";
import { IncompleteBlocks } from "./incomplete-blocks.ts";

const a = nodeId("00000000000000aa");
const b = nodeId("00000000000000bb");

const clock: Clock = {
  monotonicMs: () => 0,
  wallMs: () => 0,
  after: () => assert.fail("the list sets no timers"),
  soon: (action) => {
    setImmediate(action);
  },
};

function newStore(): SimulatedKeyValue {
  return new SimulatedKeyValue({ random: seededRandom(1) });
}

describe("the durable list of incomplete blocks", () => {
  test("keeps entries by node, each once, in the order of their keys", async () => {
    const list = await IncompleteBlocks.open(newStore().mount(), clock);
    const entries = [3, 1, 2].map((i) => ({ node: a, id: blockOf(i), width: 3 }));
    await Promise.all([...entries, ...entries].map((entry) => list.add(entry)));
    await list.add({ node: b, id: blockOf(1), width: 5 });
    assert.equal(list.count, 4);
    assert.deepEqual([...list.nodes()].toSorted(), [a, b]);
    assert.deepEqual(
      list.of(a, undefined, 10).map(({ id }) => id),
      [1, 2, 3].map((i) => blockOf(i)),
    );
    assert.deepEqual(list.of(a, blockOf(1), 1), [{ node: a, id: blockOf(2), width: 3 }]);
    assert.deepEqual(list.of(b, blockOf(1), 10), []);
    assert.equal(list.has({ node: b, id: blockOf(1) }), true);
    await list.remove({ node: b, id: blockOf(1) });
    await list.remove({ node: b, id: blockOf(1) });
    assert.equal(list.has({ node: b, id: blockOf(1) }), false);
    assert.deepEqual([list.count, list.nodes()], [3, [a]]);
  });

  test("an entry is durable when it is added, and what is opened is what was there", async () => {
    const store = newStore();
    const list = await IncompleteBlocks.open(store.mount(), clock);
    for (let i = 0; i < 2500; i++) {
      const adding = list.add({ node: i % 2 === 0 ? a : b, id: blockOf(i), width: 3 });
      if (i % 100 === 99) await adding;
    }
    store.powerLoss();
    const again = await IncompleteBlocks.open(store.mount(), clock);
    assert.equal(again.count, 2500);
    assert.equal(again.of(a, undefined, 5000).length, 1250);
  });

  test("on a full disk the store is not touched, and the list works again when there is room", async () => {
    const mounted = newStore().mount();
    let writes = 0;
    const counting: KeyValue = {
      ...mounted,
      write: (batch) => {
        writes++;
        return mounted.write(batch);
      },
    };
    let isFull = false;
    const list = await IncompleteBlocks.open(counting, clock, () => Promise.resolve(!isFull));
    const [first, second] = [1, 2].map((i) => ({ node: a, id: blockOf(i), width: 3 }));
    assert.ok(first !== undefined && second !== undefined);
    await list.add(first);
    isFull = true;
    const outOfSpace = { name: "StoreError", code: "OutOfSpace" };
    await assert.rejects(list.add(second), outOfSpace);
    await assert.rejects(list.remove(first), outOfSpace);
    assert.deepEqual([writes, list.count], [1, 1]);
    isFull = false;
    await list.add(second);
    await list.remove(first);
    assert.deepEqual(list.of(a, undefined, 10), [second]);
  });

  test("many that come together share a flush", async () => {
    const mounted = newStore().mount();
    let flushes = 0;
    const counting: KeyValue = {
      ...mounted,
      flush: async () => {
        flushes++;
        await new Promise((resolve) => setImmediate(resolve));
        await mounted.flush();
      },
    };
    const list = await IncompleteBlocks.open(counting, clock);
    flushes = 0;
    await Promise.all(Array.from({ length: 100 }, (_, i) => list.add({ node: a, id: blockOf(i), width: 3 })));
    assert.ok(flushes <= 3, `${flushes} flushes`);
  });

  test("a store that fails says so to whoever adds, and to nobody else", async () => {
    const store = newStore();
    const list = await IncompleteBlocks.open(store.mount(), clock);
    store.failNextWrite();
    await assert.rejects(list.add({ node: a, id: blockOf(1), width: 3 }));
    await list.add({ node: a, id: blockOf(2), width: 3 });
    assert.equal(list.count, 1);
  });

  test("version 1 has these bytes", async () => {
    const mounted = newStore().mount();
    const list = await IncompleteBlocks.open(mounted, clock);
    await list.add({ node: a, id: blockOf(4, 2), width: 3 });
    const pairs = Array.from(mounted.range({ from: new Uint8Array(1) }));
    assert.deepEqual(
      pairs.map(({ key, value }) => [toHex(key), toHex(value)]),
      [
        [
          "3030303030303030303030303030616100" +
            "0000000100000000000000070000000000000004000000010000000200000000",
          "0103",
        ],
      ],
    );
  });
});
