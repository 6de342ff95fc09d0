import assert from "node:assert/strict";
import { test } from "node:test";
import { compareBytes, seededRandom, uniform } from "@holdfast/base";
import type { Mutation } from "./key-value.ts";
import { SortedTable } from "./sorted-table.ts";

test("a table follows a sorted list through any mix of sets, finds and ranges", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const table = new SortedTable();
    const model = new Map<string, Mutation>();
    const anyKey = (): Uint8Array =>
      Uint8Array.from(
        { length: uniform(random, 4) },
        () => [0, 1, 0x7f, 0x80, 0xff][uniform(random, 5)] ?? 0,
      );
    for (let step = 0; step < 80; step++) {
      const key = anyKey();
      if (uniform(random, 4) > 0) {
        const value = uniform(random, 4) === 0 ? undefined : random.bytes(uniform(random, 5));
        table.set(key, value);
        model.set(key.join(), { key, value });
        continue;
      }
      const sorted = [...model.values()].sort((a, b) => compareBytes(a.key, b.key));
      const to = uniform(random, 3) === 0 ? undefined : anyKey();
      const within = sorted.filter(
        (m) => compareBytes(m.key, key) >= 0 && (to === undefined || compareBytes(m.key, to) < 0),
      );
      assert.deepEqual([...table.range({ from: key, to })], within);
      assert.equal(table.touches({ from: key, to }), within.length > 0);
      assert.deepEqual([...table.range({ from: key, to, reverse: true })], within.toReversed());
      assert.deepEqual(table.find(key), model.get(key.join()));
      assert.deepEqual(table.sorted(), sorted);
      assert.equal(table.size, model.size);
      const bytes = sorted.reduce((sum, m) => sum + m.key.length + (m.value?.length ?? 0), 0);
      assert.equal(table.bytes, bytes);
    }
  }
});
