import assert from "node:assert/strict";
import { test } from "node:test";
import { AssertionError, seededRandom, uniform } from "@holdfast/base";
import { clockContract, hashingContract, randomContract } from "../../contract/index.ts";
import { sleep } from "../clock.ts";
import { CollectingJournal } from "./collecting-journal.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import { simulatedHashing } from "./simulated-hashing.ts";
import { Simulation } from "./simulation.ts";

const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const simulate = (seed = 1): Simulation => new Simulation({ random: seededRandom(seed), drain });

for (const rate of [1, 0.7, 1.3]) {
  clockContract(`simulated clock at rate ${rate}`, () => {
    const simulation = simulate();
    const clock = new SimulatedClock(simulation, { rate });
    return { clock, advance: (durationMs) => simulation.runFor(durationMs / rate + 0.01) };
  });
}
hashingContract("simulated hashing", simulatedHashing);
randomContract("seeded random", seededRandom(77));

test("events run in the order of their time, then of their making, and time stands at theirs", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const simulation = simulate(seed);
    const ran: { readonly dueMs: number; readonly made: number }[] = [];
    const timers = Array.from({ length: 200 }, (_, made) => {
      const dueMs = uniform(simulation.random, 20);
      return simulation.after(dueMs, () => {
        assert.equal(simulation.nowMs, dueMs);
        ran.push({ dueMs, made });
      });
    });
    const cancelled = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const victim = uniform(simulation.random, timers.length);
      timers[victim]?.cancel();
      cancelled.add(victim);
    }
    assert.equal(simulation.eventsWaiting, 200 - cancelled.size);
    await simulation.runUntilIdle();
    assert.equal(ran.length, 200 - cancelled.size);
    assert.deepEqual(
      ran,
      ran.toSorted((a, b) => a.dueMs - b.dueMs || a.made - b.made),
    );
    assert.ok(ran.every(({ made }) => !cancelled.has(made)));
    assert.equal(simulation.eventsRun, ran.length);
  }
});

test("promise chains are driven to their end between two events", async () => {
  const simulation = simulate();
  const order: string[] = [];
  simulation.after(1, () => {
    void (async () => {
      for (let i = 0; i < 50; i++) await Promise.resolve();
      order.push("chain");
    })();
  });
  simulation.after(1, () => order.push("next event"));
  await simulation.runUntilIdle();
  assert.deepEqual(order, ["chain", "next event"]);
});

test("runUntil runs what is due, leaves the rest, and stands at its time", async () => {
  const simulation = simulate();
  const clock = new SimulatedClock(simulation);
  const ran: number[] = [];
  for (const dueMs of [1, 5, 5.5]) clock.after(dueMs, () => ran.push(dueMs));
  await simulation.runUntil(5);
  assert.deepEqual(ran, [1, 5]);
  assert.equal(simulation.nowMs, 5);
  await simulation.runFor(10);
  assert.deepEqual(ran, [1, 5, 5.5]);
  assert.equal(simulation.nowMs, 15);
});

test("waiting for what no event brings, or for ever, fails instead of hanging", async () => {
  const simulation = simulate();
  await assert.rejects(simulation.runUntilSettled(new Promise(() => {})), AssertionError);
  const clock = new SimulatedClock(simulation);
  const again = (): void => void clock.after(10, again);
  again();
  await assert.rejects(simulation.runUntilIdle(1000), AssertionError);
  await assert.rejects(simulation.runUntilSettled(new Promise(() => {}), 1000), AssertionError);
  const failing = simulation.runUntilSettled(sleep(clock, 5).then(() => Promise.reject(new Error("mine"))));
  await assert.rejects(failing, /mine/);
});

test("clocks drift apart by their rates; wall clocks are off by their skew and jump", async () => {
  const simulation = simulate();
  const fast = new SimulatedClock(simulation, { rate: 1.01 });
  const slow = new SimulatedClock(simulation, { rate: 0.99, skewMs: -5000 });
  await simulation.runUntil(100_000);
  assert.equal(fast.monotonicMs(), 101_000);
  assert.equal(slow.monotonicMs(), 99_000);
  assert.equal(fast.wallMs() - slow.wallMs(), 7000);
  const before = slow.monotonicMs();
  slow.jumpWall(-60_000);
  assert.equal(fast.wallMs() - slow.wallMs(), 67_000);
  assert.equal(slow.monotonicMs(), before);
});

test("a timer asks for local time: a clock that slows down meanwhile makes it wait longer", async () => {
  const simulation = simulate();
  const clock = new SimulatedClock(simulation);
  let firedAtMs: number | undefined;
  clock.after(100, () => {
    firedAtMs = simulation.nowMs;
  });
  await simulation.runFor(50);
  clock.setRate(0.5);
  await simulation.runFor(99);
  assert.equal(firedAtMs, undefined);
  await simulation.runFor(2);
  assert.ok(firedAtMs !== undefined && Math.abs(firedAtMs - 150) < 0.01);
  assert.equal(clock.monotonicMs(), 50 + 101 * 0.5);
});

test("while a machine is suspended monotonic time stands, wall time goes on, and timers wait", async () => {
  const simulation = simulate();
  const clock = new SimulatedClock(simulation);
  const wallMs = clock.wallMs();
  const ran: string[] = [];
  clock.after(10, () => ran.push("timer"));
  clock.soon(() => ran.push("soon"));
  clock.suspend();
  await simulation.runFor(1000);
  assert.deepEqual(ran, []);
  assert.equal(clock.monotonicMs(), 0);
  assert.equal(clock.wallMs(), wallMs + 1000);
  clock.resume();
  await simulation.runFor(9);
  assert.deepEqual(ran, ["soon"]);
  await simulation.runFor(2);
  assert.deepEqual(ran, ["soon", "timer"]);
  assert.equal(clock.monotonicMs(), 11);
  assert.equal(clock.wallMs(), wallMs + 1011);
});

test("a halted clock fires nothing, not even what was due", async () => {
  const simulation = simulate();
  const clock = new SimulatedClock(simulation);
  let fired = 0;
  clock.after(0, () => fired++);
  clock.soon(() => fired++);
  clock.halt();
  clock.after(0, () => fired++);
  await simulation.runUntilIdle();
  assert.equal(fired, 0);
});

test("a journal keeps its lines and those of the journals made from it, with their fields", () => {
  const journal = new CollectingJournal();
  const shard = journal.with({ node: 1 }).with({ shard: 2 });
  journal.info("started");
  shard.warn("slow", { ms: 5, shard: 3 });
  assert.deepEqual(journal.lines, [
    { level: "info", event: "started", fields: {} },
    { level: "warn", event: "slow", fields: { node: 1, shard: 3, ms: 5 } },
  ]);
});
