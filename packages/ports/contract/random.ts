import assert from "node:assert/strict";
import { test } from "node:test";
import type { Random } from "@holdfast/base";

/** What any Random must look like; a bad generator could pass, a broken one cannot. */
export function randomContract(name: string, random: Random): void {
  test(`${name}: words are unsigned 32-bit integers that use every bit`, () => {
    let [ones, zeros] = [0, 0];
    const seen = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      const word = random.uint32();
      assert.ok(Number.isInteger(word) && word >= 0 && word < 2 ** 32);
      seen.add(word);
      ones |= word;
      zeros |= ~word;
    }
    assert.deepEqual([ones >>> 0, zeros >>> 0], [0xffff_ffff, 0xffff_ffff]);
    assert.ok(seen.size > 1990);
  });

  test(`${name}: bytes have the length asked for, differ, and are the caller's own`, () => {
    for (const length of [0, 1, 3, 4, 5, 32, 1000]) assert.equal(random.bytes(length).length, length);
    const [a, b] = [random.bytes(32), random.bytes(32)];
    assert.notDeepEqual(a, b);
    assert.equal(Object.getPrototypeOf(a), Uint8Array.prototype);
    const counts = new Set(random.bytes(5000));
    assert.ok(counts.size > 250);
  });
}
