import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { test } from "node:test";
import type { Random } from "@holdfast/base";
import {
  AssertionError,
  compareBytes,
  concatBytes,
  seededRandom,
  uniform,
  utf8,
  utf8Text,
} from "@holdfast/base";
import type { KeyRange, KeyValue, KeyValuePair, KeyValueSnapshot, Mutation } from "@holdfast/ports";
import { keyBytesMax } from "@holdfast/ports";

/** Gives an empty store; what it needs for that, it frees when the test is over. */
export type MakeKeyValue = (context: TestContext) => KeyValue | Promise<KeyValue>;

/** Every promise of the KeyValue port that needs no crash to show. */
export function keyValueContract(name: string, makeKeyValue: MakeKeyValue): void {
  batches(name, makeKeyValue);
  ranges(name, makeKeyValue);
  snapshots(name, makeKeyValue);
}

const put = (key: string, value: string): Mutation => ({ key: utf8(key), value: utf8(value) });
const remove = (key: string): Mutation => ({ key: utf8(key), value: undefined });
const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : utf8Text(bytes);
const keysOf = (pairs: Iterable<KeyValuePair>): string[] => Array.from(pairs, ({ key }) => utf8Text(key));
const all: KeyRange = { from: new Uint8Array(0) };

function batches(name: string, makeKeyValue: MakeKeyValue): void {
  test(`${name}: a batch sets and removes; the last mutation of a key counts`, async (t) => {
    const store = await makeKeyValue(t);
    await store.write([put("a", "1"), put("b", "2"), put("a", "3")]);
    await store.write([remove("b"), remove("never"), put("c", ""), put("c2", "x"), remove("c2")]);
    assert.equal(textOf(store.get(utf8("a"))), "3");
    assert.equal(store.get(utf8("b")), undefined);
    assert.equal(store.get(utf8("c"))?.length, 0);
    assert.deepEqual(keysOf(store.range(all)), ["a", "c"]);
    await store.flush();
  });

  test(`${name}: a peek shows what a get copies`, async (t) => {
    const store = await makeKeyValue(t);
    await store.write([put("a", "1"), put("b", "x".repeat(10_000)), put("c", "")]);
    for (const key of ["a", "b", "c", "missing", "a"]) {
      const kept = store.get(utf8(key));
      assert.equal(textOf(store.peek(utf8(key))), textOf(kept));
      store.peek(utf8("b"));
      assert.equal(textOf(kept), textOf(store.get(utf8(key))));
    }
  });

  test(`${name}: batches become visible in the order of the calls, each whole`, async (t) => {
    const store = await makeKeyValue(t);
    const writes = Array.from({ length: 50 }, (_, i) =>
      store.write([put("x", `${i}`), put("y", `${i}`), put(`k${i}`, "")]),
    );
    for (const [i, write] of writes.entries()) {
      await write;
      const x = textOf(store.get(utf8("x")));
      assert.equal(x, textOf(store.get(utf8("y"))));
      assert.ok(Number(x) >= i, `batch ${i} resolved, but ${x} is visible`);
      assert.notEqual(store.get(utf8(`k${i}`)), undefined);
    }
    assert.equal(textOf(store.get(utf8("x"))), "49");
  });

  test(`${name}: an empty batch resolves, behind those before it`, async (t) => {
    const store = await makeKeyValue(t);
    await store.write([]);
    let earlierResolved = false;
    const earlier = store.write([put("a", "1")]).then(() => {
      earlierResolved = true;
    });
    await store.write([]);
    assert.equal(textOf(store.get(utf8("a"))), "1");
    await earlier;
    assert.ok(earlierResolved);
    await store.flush();
  });

  test(`${name}: a batch of 10,000 mutations is visible at once`, async (t) => {
    const store = await makeKeyValue(t);
    const batch = Array.from({ length: 10_000 }, (_, i) => put(`key ${i % 9000}`, `value ${i}`));
    const writing = store.write(batch);
    const seen = [...store.range(all)].length;
    assert.ok(seen === 0 || seen === 9000, `${seen} keys visible`);
    await writing;
    assert.equal([...store.range(all)].length, 9000);
    assert.equal(textOf(store.get(utf8("key 999"))), "value 9999");
    await store.flush();
  });

  test(`${name}: keys of 1 to ${keyBytesMax} bytes, values of any length`, async (t) => {
    const store = await makeKeyValue(t);
    const random = seededRandom(1);
    const pairs = [1, 2, 7, 8, 255, 256, 511, 512, 1000, keyBytesMax].map((length, i) => ({
      key: new Uint8Array(length).fill(i),
      value: random.bytes([0, 1, 100, 2030, 4096, 70_000, 300_000, 5, 2000, 3000][i] ?? 0),
    }));
    await store.write(pairs);
    for (const { key, value } of pairs) assert.deepEqual(store.get(key), value);
    assert.deepEqual([...store.range(all)], pairs);
    for (const key of [new Uint8Array(0), new Uint8Array(keyBytesMax + 1)]) {
      assert.throws(() => store.get(key), AssertionError);
      await assert.rejects(store.write([{ key, value: key }]), AssertionError);
    }
  });

  test(`${name}: what is read is a copy, a plain Uint8Array, and stays as it was`, async (t) => {
    const store = await makeKeyValue(t);
    const value = utf8("value");
    await store.write([{ key: utf8("k"), value }, put("l", "other")]);
    value.fill(0);
    const got = store.get(utf8("k"));
    const [pair] = store.range(all);
    await store.write([put("k", "later"), put("l", "LATER")]);
    store.get(utf8("l"));
    assert.deepEqual([textOf(got), textOf(pair?.value), textOf(pair?.key)], ["value", "value", "k"]);
    assert.equal(got === undefined ? undefined : Object.getPrototypeOf(got), Uint8Array.prototype);
    got?.fill(0);
    assert.equal(textOf(store.get(utf8("k"))), "later");
  });

  test(`${name}: after close every call fails`, async (t) => {
    const store = await makeKeyValue(t);
    const writing = store.write([put("a", "1")]);
    await writing;
    await store.close();
    assert.throws(() => store.get(utf8("a")));
    assert.throws(() => [...store.range(all)]);
    await assert.rejects(store.write([put("a", "2")]));
    await assert.rejects(store.flush());
  });
}

function ranges(name: string, makeKeyValue: MakeKeyValue): void {
  test(`${name}: a range goes from its first key to before its last, either way, up to its limit`, async (t) => {
    const store = await makeKeyValue(t);
    await store.write(["a", "b", "ba", "c", "d"].map((key) => put(key, key)));
    const keys = (from: string, to: string | undefined, rest: Partial<KeyRange> = {}): string[] =>
      keysOf(store.range({ from: utf8(from), to: to === undefined ? undefined : utf8(to), ...rest }));
    assert.deepEqual(keys("", undefined), ["a", "b", "ba", "c", "d"]);
    assert.deepEqual(keys("b", "d"), ["b", "ba", "c"]);
    assert.deepEqual(keys("b", "d", { reverse: true }), ["c", "ba", "b"]);
    assert.deepEqual(keys("aa", "bb", { reverse: true }), ["ba", "b"]);
    assert.deepEqual(keys("", undefined, { reverse: true, limit: 2 }), ["d", "c"]);
    assert.deepEqual(keys("b", undefined, { limit: 2 }), ["b", "ba"]);
    assert.deepEqual(keys("b", "d", { limit: 0 }), []);
    assert.deepEqual(keys("d", "b"), []);
    assert.deepEqual(keys("d", "b", { reverse: true }), []);
    assert.deepEqual(keys("b", "b"), []);
    assert.deepEqual(keys("x", undefined), []);
    assert.deepEqual(keys("", "a"), []);
  });

  test(`${name}: a range that is left early harms nothing`, async (t) => {
    const store = await makeKeyValue(t);
    await store.write(
      Array.from({ length: 3000 }, (_, i) => put(`k${String(i).padStart(5, "0")}`, "x".repeat(50))),
    );
    for (let round = 0; round < 200; round++) {
      for (const { key } of store.range({ from: utf8("k01000") })) {
        assert.equal(utf8Text(key), "k01000");
        break;
      }
    }
    // Two at once, with reads between.
    const ahead = store.range(all)[Symbol.iterator]();
    for (const { key } of store.range(all)) {
      const other: unknown = ahead.next().value?.key;
      assert.deepEqual(other, key);
      assert.equal(store.get(key)?.length, 50);
    }
  });

  test(`${name}: keys sort as unsigned bytes, whatever they are made of`, async (t) => {
    const store = await makeKeyValue(t);
    for (let seed = 1; seed <= 30; seed++) await compareWithModel(store, seededRandom(seed));
  });
}

function snapshots(name: string, makeKeyValue: MakeKeyValue): void {
  const state = (of: Pick<KeyValue, "range">): string[] =>
    Array.from(of.range(all), ({ key, value }) => `${utf8Text(key)}=${utf8Text(value)}`);

  test(`${name}: a snapshot shows one state, whatever is written while it is open`, async (t) => {
    const store = await makeKeyValue(t);
    for (let round = 0; round < 30; round++) {
      await store.write([put("a", `${round}`), put(`k${round}`, "x"), remove(`k${round - 1}`)]);
      // Reads before and behind the opening may share with it whatever the store reads through.
      if (round % 2 === 0) store.get(utf8("a"));
      const snapshot = store.openSnapshot();
      const frozen = [`a=${round}`, `k${round}=x`];
      assert.deepEqual(state(snapshot), frozen);
      for (let later = 0; later < 5; later++) {
        await store.write([put("a", "later"), put("b", `${later}`), remove(`k${round}`)]);
        assert.equal(textOf(store.get(utf8("b"))), `${later}`, "the store goes on");
        assert.deepEqual(state(snapshot), frozen);
        assert.deepEqual(keysOf(snapshot.range({ from: utf8("b"), reverse: true, limit: 1 })), [`k${round}`]);
        if (later === 2) await store.flush();
        if (later === 3) await new Promise((resolve) => setImmediate(resolve));
      }
      snapshot.close();
      snapshot.close();
      assert.deepEqual(state(store), ["a=later", "b=4"]);
      await store.write([remove("b")]);
    }
  });

  test(`${name}: several snapshots stand for their own states, and are closed in any order`, async (t) => {
    const store = await makeKeyValue(t);
    const random = seededRandom(1);
    const open = new Map<KeyValueSnapshot, readonly string[]>();
    for (let round = 0; round < 200; round++) {
      if (uniform(random, 3) > 0) await store.write([put("a", `${round}`)]);
      open.set(store.openSnapshot(), state(store));
      for (const [snapshot, shown] of open) {
        assert.deepEqual(state(snapshot), shown);
        if (uniform(random, 6) > 0) continue;
        snapshot.close();
        open.delete(snapshot);
      }
    }
    for (const snapshot of open.keys()) snapshot.close();
  });

  test(`${name}: a snapshot that is closed, or whose store is, shows nothing`, async (t) => {
    const store = await makeKeyValue(t);
    await store.write([put("a", "1")]);
    const closed = store.openSnapshot();
    const left = store.openSnapshot();
    await store.write([put("b", "2")]);
    for (const _ of left.range(all)) break;
    closed.close();
    assert.throws(() => [...closed.range(all)]);
    assert.deepEqual(keysOf(left.range(all)), ["a"]);
    await store.close();
    assert.throws(() => [...left.range(all)]);
    left.close();
    assert.throws(() => store.openSnapshot());
  });
}

/** Random mutations and ranges, against a sorted list. */
async function compareWithModel(store: KeyValue, random: Random): Promise<void> {
  const model = new Map<string, KeyValuePair>();
  for (const { key, value } of store.range(all)) model.set(key.join(), { key, value });
  const batch: Mutation[] = [];
  for (let i = 0; i < 40; i++) {
    const key = awkwardKey(random);
    const value = uniform(random, 4) === 0 ? undefined : random.bytes(uniform(random, 40));
    batch.push({ key, value });
    if (value === undefined) model.delete(key.join());
    else model.set(key.join(), { key, value });
  }
  await store.write(batch);
  const sorted = [...model.values()].sort((a, b) => compareBytes(a.key, b.key));
  assert.deepEqual([...store.range(all)], sorted);
  for (let i = 0; i < 10; i++) {
    const from = awkwardKey(random);
    const to = uniform(random, 3) === 0 ? undefined : awkwardKey(random);
    const within = sorted.filter(
      ({ key }) => compareBytes(key, from) >= 0 && (to === undefined || compareBytes(key, to) < 0),
    );
    assert.deepEqual([...store.range({ from, to })], within);
    assert.deepEqual([...store.range({ from, to, reverse: true })], within.toReversed());
    const limit = uniform(random, 5);
    assert.deepEqual(
      [...store.range({ from, to, limit, reverse: true })],
      within.toReversed().slice(0, limit),
    );
  }
}

/** Short keys of few and extreme bytes collide and are prefixes of each other; long ones share long prefixes. */
function awkwardKey(random: Random): Uint8Array {
  const extremes = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];
  const tail = Uint8Array.from({ length: 1 + uniform(random, 10) }, () => extremes[uniform(random, 6)] ?? 0);
  const shared = [0, 0, 0, 5, 8, 24, 600, keyBytesMax - 10][uniform(random, 8)] ?? 0;
  return concatBytes([new Uint8Array(shared).fill(0x80), tail]);
}
