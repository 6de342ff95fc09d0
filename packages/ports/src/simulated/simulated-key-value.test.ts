import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom, uniform, utf8, utf8Text } from "@holdfast/base";
import { keyValueContract } from "../../contract/index.ts";
import type { DiskErrorKind } from "../disk.ts";
import { DiskError } from "../disk.ts";
import { SimulatedKeyValue } from "./simulated-key-value.ts";
import { Simulation } from "./simulation.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

keyValueContract("simulated key-value store", () => new SimulatedKeyValue({ random: seededRandom(1) }));

function state(store: SimulatedKeyValue): string {
  return Array.from(
    store.range({ from: new Uint8Array(0) }),
    ({ key, value }) => `${utf8Text(key)}=${utf8Text(value)}`,
  ).join();
}

const pair = (i: number): { key: Uint8Array; value: Uint8Array }[] => [
  { key: utf8("a"), value: utf8(`${i}`) },
  { key: utf8("b"), value: utf8(`${i}`) },
];

async function rejects(call: Promise<unknown>, kind: DiskErrorKind): Promise<void> {
  await assert.rejects(call, (error) => error instanceof DiskError && error.kind === kind);
}

test("a power loss leaves the state after some batch at or behind the last flush, never part of one", async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 60; seed++) {
    const store = new SimulatedKeyValue({ random: seededRandom(seed) });
    await store.write(pair(0));
    await store.write(pair(1));
    await store.flush();
    await store.write(pair(2));
    await store.write([{ key: utf8("a"), value: undefined }]);
    store.powerLoss();
    const left = state(store);
    seen.add(left);
    store.powerLoss();
    assert.equal(state(store), left);
  }
  assert.deepEqual([...seen].sort(), ["a=1,b=1", "a=2,b=2", "b=2"]);
});

test("a killed process leaves every batch that was visible", async () => {
  const store = new SimulatedKeyValue({ random: seededRandom(1) });
  const mount = store.mount();
  await mount.write(pair(7));
  let settled = false;
  mount.write(pair(8)).then(
    () => (settled = true),
    () => (settled = true),
  );
  store.kill();
  await drain();
  assert.equal(settled, false);
  assert.equal(state(store), "a=7,b=7");
  assert.throws(() => mount.get(utf8("a")), DiskError);
  await rejects(mount.flush(), "io");
});

test("a flush covers what was visible when it was called, in whatever order flushes and writes overlap", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seededRandom(seed);
    const simulation = new Simulation({ random, drain });
    const store = new SimulatedKeyValue({ random, simulation, latencyMs: { min: 1, max: 10 } });
    let [visible, flushed] = [-1, -1];
    for (let i = 0; i < 30; i++) {
      void store.write(pair(i)).then(() => {
        visible = i;
      });
      if (uniform(random, 3) === 0) {
        const covered = visible;
        void store.flush().then(() => {
          flushed = Math.max(flushed, covered);
        });
      }
      await simulation.runFor(uniform(random, 8));
    }
    const visibleAtEnd = visible;
    store.powerLoss();
    const left = Number(utf8Text(store.get(utf8("a")) ?? utf8("-1")));
    assert.ok(
      left >= flushed && left <= visibleAtEnd,
      `seed ${seed}: ${flushed} <= ${left} <= ${visibleAtEnd}`,
    );
  }
});

test("a flush promises nothing about a batch that was not visible when it was called", async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const simulation = new Simulation({ random, drain });
    const store = new SimulatedKeyValue({ random, simulation, latencyMs: { min: 1, max: 10 } });
    void store.write(pair(1));
    await simulation.runUntilSettled(store.flush());
    store.powerLoss();
    seen.add(state(store));
  }
  assert.deepEqual(seen, new Set(["", "a=1,b=1"]));
});

test("a failed flush fails all that follows until a restart (S11)", async () => {
  const store = new SimulatedKeyValue({ random: seededRandom(1) });
  await store.write(pair(1));
  store.failNextFlush();
  await rejects(store.flush(), "io");
  await rejects(store.flush(), "io");
  await rejects(store.write(pair(2)), "io");
  assert.equal(state(store), "a=1,b=1");
  store.kill();
  await store.write(pair(3));
  await store.flush();
});

test("a failed write has done nothing; a full store says so", async () => {
  const store = new SimulatedKeyValue({ random: seededRandom(1), capacityBytes: 10 });
  await store.write(pair(1));
  store.failNextWrite();
  await rejects(store.write(pair(2)), "io");
  await rejects(store.write([{ key: utf8("c"), value: new Uint8Array(10) }]), "no-space");
  assert.equal(state(store), "a=1,b=1");
  await store.write([{ key: utf8("a"), value: undefined }]);
});

test("rot changes one bit of a value, and stays through a power loss", async () => {
  const store = new SimulatedKeyValue({ random: seededRandom(1) });
  await store.write([{ key: utf8("a"), value: new Uint8Array(9) }]);
  await store.flush();
  store.rot(utf8("a"));
  store.powerLoss();
  const bits = Array.from(store.get(utf8("a")) ?? [], (byte) => byte.toString(2).replaceAll("0", "")).join(
    "",
  );
  assert.equal(bits, "1");
});
