import assert from "node:assert/strict";
import { test } from "node:test";
import { StoreError, seededRandom } from "@holdfast/base";
import { SimulatedClock, Simulation } from "@holdfast/ports/simulated";
import { LearnerLease, leaseMs } from "./learner-lease.ts";

/** A log whose barriers the test ends. */
class World {
  readonly simulation = new Simulation({
    random: seededRandom(1),
    drain: () => new Promise((resolve) => setImmediate(resolve)),
  });
  readonly clock = new SimulatedClock(this.simulation);
  readonly barriers: { readonly resolve: () => void; readonly reject: (cause: unknown) => void }[] = [];
  readonly lease = new LearnerLease({
    log: {
      readBarrier: () => new Promise<void>((resolve, reject) => this.barriers.push({ resolve, reject })),
    },
    clock: this.clock,
  });

  async begun(): Promise<void> {
    const trusted = this.lease.trusted();
    this.barriers.at(-1)?.resolve();
    await trusted;
  }

  pass(ms: number): Promise<void> {
    return this.simulation.runFor(ms);
  }

  /** Whether the copy is trusted now, without waiting. */
  get isTrusted(): boolean {
    const trusted = this.lease.trusted();
    trusted?.catch(() => undefined);
    return trusted === undefined;
  }
}

test("learner lease: before the first barrier nothing is trusted; behind it, for as long as a lease lasts", async () => {
  const world = new World();
  assert.equal(world.isTrusted, false);
  assert.equal(world.isTrusted, false);
  assert.equal(world.barriers.length, 1, "all wait for one barrier");
  world.barriers[0]?.resolve();
  await world.pass(leaseMs - 1);
  assert.equal(world.isTrusted, true);
  await world.pass(1);
  assert.equal(world.isTrusted, false);
});

test("learner lease: it runs from when its barrier began, not from when that was confirmed", async () => {
  const world = new World();
  const trusted = world.lease.trusted();
  await world.pass(1500);
  world.barriers[0]?.resolve();
  await trusted;
  await world.pass(leaseMs - 1500 - 1);
  assert.equal(world.isTrusted, true);
  await world.pass(1);
  assert.equal(world.isTrusted, false);
});

test("learner lease: in use it is renewed by one barrier at a time, and idle by none", async () => {
  const world = new World();
  await world.begun();
  await world.pass(1000);
  assert.equal(world.barriers.length, 1, "nobody asked");
  for (let i = 0; i < 10; i++) assert.equal(world.isTrusted, true);
  assert.equal(world.barriers.length, 2);
  world.barriers[1]?.resolve();
  await world.pass(1500);
  assert.equal(world.isTrusted, true, "it runs from the renewal");
});

test("learner lease: one that cannot be renewed is trusted to its end, and then says why", async () => {
  const world = new World();
  await world.begun();
  await world.pass(1000);
  assert.equal(world.isTrusted, true);
  world.barriers[1]?.reject(new StoreError("Unavailable", "no quorum"));
  await world.pass(999);
  assert.equal(world.isTrusted, true);
  world.barriers[2]?.reject(new StoreError("Unavailable", "no quorum"));
  await world.pass(1);
  const trusted = world.lease.trusted();
  world.barriers[3]?.reject(new StoreError("Unavailable", "no quorum"));
  await assert.rejects(trusted ?? Promise.resolve(), { code: "Unavailable" });
});

test("learner lease: whoever waits for a barrier that took longer than a lease waits for one of its own", async () => {
  const world = new World();
  const first = world.lease.trusted();
  await world.pass(1000);
  const second = world.lease.trusted();
  assert.equal(world.barriers.length, 1);
  await world.pass(leaseMs);
  world.barriers[0]?.resolve();
  await first;
  await world.pass(1);
  assert.equal(world.barriers.length, 2);
  world.barriers[1]?.resolve();
  await second;
});

test("learner lease: a wall clock that went further than the monotonic one ends it: the machine was suspended", async () => {
  const world = new World();
  await world.begun();
  assert.equal(world.isTrusted, true);
  world.clock.jumpWall(leaseMs);
  assert.equal(world.isTrusted, false);
});

test("learner lease: ended, it is not trusted before a barrier that begins then", async () => {
  const world = new World();
  await world.begun();
  await world.pass(1000);
  assert.equal(world.isTrusted, true, "a renewal is on its way");
  world.lease.end();
  const trusted = world.lease.trusted();
  assert.equal(world.barriers.length, 3);
  world.barriers[1]?.resolve();
  await world.pass(0);
  assert.equal(world.isTrusted, false, "that barrier began before");
  world.barriers[2]?.resolve();
  await trusted;
  assert.equal(world.isTrusted, true);
});
