import assert from "node:assert/strict";
import { test } from "node:test";
import { compareBytes, seededRandom, uniform, utf8, utf8Text } from "@holdfast/base";
import type { KeyValuePair, Mutation } from "./key-value.ts";
import { SimulatedKeyValue } from "./simulated/simulated-key-value.ts";
import { Simulation } from "./simulated/simulation.ts";
import { entryOverheadBytes, WriteBuffer } from "./write-buffer.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : utf8Text(bytes);
const textsOf = (pairs: Iterable<KeyValuePair>): string =>
  Array.from(pairs, ({ key, value }) => `${utf8Text(key)}=${utf8Text(value)}`).join();
const all = { from: new Uint8Array(0) };

test("changes are visible at once, in the store only with a flush", async () => {
  const store = new SimulatedKeyValue({ random: seededRandom(1) });
  const buffer = new WriteBuffer(store);
  buffer.put(utf8("a"), utf8("1"));
  buffer.put(utf8("b"), utf8("2"));
  assert.equal(buffer.pendingBytes, 4 + 2 * entryOverheadBytes);
  assert.equal(textOf(buffer.get(utf8("a"))), "1");
  assert.equal(store.get(utf8("a")), undefined);
  const flushed = buffer.flush();
  assert.equal(buffer.pendingBytes, 0);
  buffer.remove(utf8("a"));
  assert.ok(buffer.pendingBytes > entryOverheadBytes, "a removal takes memory, too");
  buffer.put(utf8("c"), utf8("3"));
  assert.equal(textsOf(buffer.range(all)), "b=2,c=3");
  await flushed;
  assert.equal(textsOf(store.range(all)), "a=1,b=2");
  assert.equal(textsOf(buffer.range(all)), "b=2,c=3");
  assert.equal(textsOf(buffer.range({ ...all, reverse: true, limit: 1 })), "c=3");
  await buffer.flush();
  assert.equal(textsOf(store.range(all)), "b=2,c=3");
});

test("any mix of changes and flushes reads like a plain map, in every state of a flush", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seededRandom(seed);
    const simulation = new Simulation({ random, drain });
    const buffer = new WriteBuffer(
      new SimulatedKeyValue({ random, simulation, latencyMs: { min: 1, max: 9 } }),
    );
    const model = new Map<string, KeyValuePair>();
    for (let step = 0; step < 60; step++) {
      const key = Uint8Array.from({ length: 1 + uniform(random, 2) }, () => uniform(random, 4) * 85);
      const kind = uniform(random, 8);
      if (kind < 4) {
        const value = random.bytes(uniform(random, 4));
        if (buffer.get(key) === undefined) buffer.insert(key, value);
        else buffer.put(key, value);
        model.set(key.join(), { key, value });
      } else if (kind < 6) {
        buffer.remove(key);
        model.delete(key.join());
      } else if (kind === 6) void buffer.flush();
      else await simulation.runFor(uniform(random, 6));
      const sorted = [...model.values()].sort((a, b) => compareBytes(a.key, b.key));
      assert.deepEqual(buffer.get(key), model.get(key.join())?.value);
      assert.deepEqual([...buffer.range(all)], sorted);
      const from = sorted.filter((pair) => compareBytes(pair.key, key) >= 0);
      assert.deepEqual(
        [...buffer.range({ from: key, reverse: true, limit: 3 })],
        from.toReversed().slice(0, 3),
      );
    }
    await simulation.runUntilSettled(buffer.flush());
  }
});

test("what is inserted and removed between two flushes never reaches the store", async () => {
  const store = new SimulatedKeyValue({ random: seededRandom(1) });
  const written: Mutation[] = [];
  const buffer = new WriteBuffer({
    get: (key) => store.get(key),
    peek: (key) => store.peek(key),
    range: (range) => store.range(range),
    openSnapshot: () => store.openSnapshot(),
    write: (batch) => {
      written.push(...batch);
      return store.write(batch);
    },
    flush: () => store.flush(),
    close: () => store.close(),
  });
  const key = utf8("k");
  buffer.insert(key, utf8("1"));
  buffer.put(key, utf8("2"));
  buffer.remove(key);
  assert.equal(buffer.pendingBytes, 0);
  await buffer.flush();
  assert.deepEqual(written, []);
});

test("a removal that waits for the flush outlives an insert and its removal", async () => {
  const store = new SimulatedKeyValue({ random: seededRandom(1) });
  const buffer = new WriteBuffer(store);
  const key = utf8("k");
  buffer.insert(key, utf8("1"));
  const flushed = buffer.flush();
  buffer.remove(key);
  buffer.insert(key, utf8("2"));
  buffer.remove(key);
  assert.equal(buffer.get(key), undefined);
  await flushed;
  await buffer.flush();
  assert.equal(store.get(key), undefined);
});

test("a power loss leaves whole flushes, at least those that resolved", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const simulation = new Simulation({ random, drain });
    const store = new SimulatedKeyValue({ random, simulation, latencyMs: { min: 1, max: 9 } });
    const buffer = new WriteBuffer(store);
    let resolved = 0;
    for (let i = 1; i <= 20; i++) {
      // Both in one synchronous run: they must reach the store together.
      buffer.put(utf8("x"), utf8(`${i}`));
      buffer.put(utf8("y"), utf8(`${i}`));
      const covered = i;
      void buffer.flush().then(() => {
        resolved = Math.max(resolved, covered);
      });
      await simulation.runFor(uniform(random, 8));
    }
    store.powerLoss();
    const left = Number(textOf(store.get(utf8("x"))) ?? 0);
    assert.equal(Number(textOf(store.get(utf8("y"))) ?? 0), left);
    assert.ok(left >= resolved, `seed ${seed}: ${left} left, ${resolved} resolved`);
  }
});

test("after a failed flush memory still answers, and every later flush fails (S11)", async () => {
  const store = new SimulatedKeyValue({ random: seededRandom(1) });
  const buffer = new WriteBuffer(store);
  buffer.put(utf8("a"), utf8("1"));
  store.failNextWrite("no-space");
  await assert.rejects(buffer.flush());
  buffer.put(utf8("b"), utf8("2"));
  assert.equal(textsOf(buffer.range(all)), "a=1,b=2");
  await assert.rejects(buffer.flush());
  await assert.rejects(buffer.flush());
  assert.equal(store.get(utf8("b")), undefined);
});

test("flushes asked for while one is under way share the next", async () => {
  let flushes = 0;
  const store = new SimulatedKeyValue({ random: seededRandom(1) });
  const counting = {
    get: (key: Uint8Array) => store.get(key),
    peek: (key: Uint8Array) => store.peek(key),
    range: (range: typeof all) => store.range(range),
    openSnapshot: () => store.openSnapshot(),
    write: store.write.bind(store),
    flush: () => {
      flushes++;
      return store.flush();
    },
    close: () => store.close(),
  };
  const buffer = new WriteBuffer(counting);
  buffer.put(utf8("a"), utf8("1"));
  const first = buffer.flush();
  buffer.put(utf8("b"), utf8("2"));
  const [second, third] = [buffer.flush(), buffer.flush()];
  assert.equal(second, third);
  await Promise.all([first, second]);
  assert.equal(flushes, 2);
  assert.equal(textsOf(store.range(all)), "a=1,b=2");
});
