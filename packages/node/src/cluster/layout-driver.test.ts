import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { NodeId, ShardId } from "@holdfast/base";
import { encode, epoch, logIndex, nodeId, seededRandom, shardId } from "@holdfast/base";
import { MemoryState } from "@holdfast/ports";
import { CollectingJournal, SimulatedClock, Simulation } from "@holdfast/ports/simulated";
import type { Layout } from "@holdfast/ring";
import { createLayout, hasJointPartitions, isNamed, layoutCodec } from "@holdfast/ring";
import type { NodeChange, SystemCommand, SystemResult } from "@holdfast/shard";
import {
  closedEpochOf,
  closedEverywhere,
  findLayout,
  findNode,
  layoutChange,
  owedSlots,
  SystemMachine,
  systemEntryCodec,
} from "@holdfast/shard";
import { EpochCloser } from "./epoch-closer.ts";
import type { NextStep } from "./layout-driver.ts";
import { joinSettleMs, LayoutDriver, nextStep } from "./layout-driver.ts";

const partitionBits = 4;
const shardCount = 4;

function id(number: number): NodeId {
  return nodeId(String(number).padStart(16, "0"));
}

/** The records of a cluster; time goes on by hand. */
class Records {
  readonly state: MemoryState = new MemoryState();
  nowMs = 1000;
  readonly #machine = new SystemMachine(this.state);
  #index = 0;

  constructor() {
    this.apply({ kind: "createCluster", clusterId: "c", shardCount });
    this.apply({ kind: "foundCluster", founding: { consensus: "raft", partitionBits }, node: node(1) });
    const members = [{ id: id(1), zone: "z", weight: 1, draining: false }];
    const made = createLayout({ partitionBits, shardCount, members, widths: [1] });
    assert.equal(made.kind, "changed");
    this.set(made.layout);
  }

  get layout(): Layout {
    return findLayout(this.state) ?? assert.fail("there is a layout");
  }

  get widths(): readonly number[] {
    return this.layout.tables.map(({ width }) => width);
  }

  apply(command: SystemCommand): SystemResult {
    const entry = encode(systemEntryCodec, { timeMs: this.nowMs, command });
    return this.#machine.apply({ index: logIndex(++this.#index), command: entry });
  }

  set(layout: Layout): void {
    assert.equal(this.apply({ kind: "setLayout", layout: encode(layoutCodec, layout) }).kind, "done");
  }

  join(...numbers: readonly number[]): void {
    for (const number of numbers) {
      const token = new Uint8Array(32).fill(number);
      this.apply({ kind: "issueToken", digest: token, lifetimeMs: 1000 });
      assert.equal(this.apply({ kind: "joinNode", token, node: node(number) }).kind, "node");
    }
  }

  createBucket(name: string, width: number): void {
    const redundancy = { dataFragments: 1, parityFragments: width - 1 };
    const settings = { redundancy, blockBytes: 1_048_576 };
    this.apply({ kind: "createBucket", name, owner: "o", shardCount: 1, firstShard: 0, settings });
  }

  change(number: number, change: Partial<NodeChange>): void {
    const whole = { zone: "z", weight: 1, draining: false, ...change };
    assert.equal(this.apply({ kind: "changeNode", node: id(number), change: whole }).kind, "node");
  }

  step(): NextStep {
    return nextStep(this.state, this.nowMs);
  }

  /** One change from its proposal to its end. */
  move(): void {
    const step = this.step();
    assert.equal(step.kind, "set-layout", JSON.stringify(step));
    this.set(step.layout);
    this.complete();
  }

  complete(): void {
    const change = layoutChange(this.state);
    if (change === undefined) return;
    const shards = Array.from({ length: shardCount }, (_, shard) => shardId(shard));
    this.apply({ kind: "closeShards", epoch: change, shards });
    for (const { id: member } of this.layout.members)
      for (const owed of owedSlots(this.state, this.layout, member))
        this.apply({ kind: "completeSlots", node: member, ...owed, change });
    assert.ok(!hasJointPartitions(this.layout));
  }

  assertReason(text: RegExp): void {
    const step = this.step();
    assert.equal(step.kind, "wait");
    assert.match(step.reason, text);
  }
}

function node(number: number) {
  const addresses = { rpc: "r:1", http: "h:1", s3: "s:1" };
  const life = { logIncarnation: `l${number}`, volumeIncarnation: `v${number}` };
  return { id: id(number), zone: "z", weight: 1, addresses, ...life };
}

describe("the next layout", () => {
  it("takes nodes in together, once none has joined for a while", () => {
    const records = new Records();
    assert.equal(records.step().kind, "nothing");
    records.join(2);
    records.nowMs += joinSettleMs - 1;
    records.assertReason(/joining/);
    records.join(3);
    records.nowMs += joinSettleMs - 1;
    records.assertReason(/joining/);
    records.nowMs += 1;
    records.move();
    assert.deepEqual(
      records.layout.members.map((member) => member.id),
      [id(1), id(2), id(3)],
    );
    assert.equal(records.step().kind, "nothing");
  });

  it("has tables for the replicas that so many nodes make possible, and for what buckets ask; one that was used never goes", () => {
    const records = new Records();
    records.join(2);
    records.nowMs += joinSettleMs;
    records.move();
    assert.deepEqual(records.widths, [1]);
    records.join(3, 4);
    records.nowMs += joinSettleMs;
    records.move();
    assert.deepEqual(records.widths, [1, 3]);
    records.createBucket("b", 4);
    records.move();
    assert.deepEqual(records.widths, [1, 3, 4]);
    records.join(5);
    records.nowMs += joinSettleMs;
    records.move();
    assert.deepEqual(records.widths, [1, 3, 4, 5]);
    records.change(5, { draining: true });
    records.move();
    assert.deepEqual(records.widths, [1, 3, 4], "no bucket ever had five");
    records.change(4, { draining: true });
    records.assertReason(/4 slots need as many nodes that are not draining; there are 3/);
  });

  it("gives what a draining node has to the others, then leaves it out, and then it may be removed", () => {
    const records = new Records();
    records.join(2, 3, 4);
    records.nowMs += joinSettleMs;
    records.move();
    records.change(4, { draining: true });
    const step = records.step();
    assert.equal(step.kind, "set-layout");
    records.set(step.layout);
    records.assertReason(/under way/);
    assert.equal(records.apply({ kind: "removeNode", node: id(4) }).kind, "refused");
    records.complete();
    assert.ok(
      !isNamed(
        records.layout,
        records.layout.members.findIndex((member) => member.id === id(4)),
      ),
    );
    records.move();
    assert.equal(records.layout.members.length, 3);
    assert.equal(records.apply({ kind: "removeNode", node: id(4) }).kind, "done");
    assert.equal(findNode(records.state, id(4)), undefined);
    assert.equal(records.step().kind, "nothing");
  });

  it("follows weights and zones, and says what no layout can be", () => {
    const records = new Records();
    records.join(2, 3);
    records.nowMs += joinSettleMs;
    records.move();
    records.change(2, { weight: 4 });
    records.move();
    records.change(2, { zone: "y".repeat(200), weight: 4 });
    records.assertReason(/zone/);
    for (const number of [1, 2, 3]) records.change(number, { draining: true });
    records.assertReason(/needs a node/);
  });

  it("begins anew from the old slots when a change was taken back", () => {
    const records = new Records();
    records.join(2, 3);
    records.nowMs += joinSettleMs;
    const step = records.step();
    assert.equal(step.kind, "set-layout");
    records.set(step.layout);
    records.change(3, { draining: true });
    records.apply({ kind: "revertLayout", change: step.layout.epoch });
    records.move();
    const member = records.layout.members.findIndex((each) => each.id === id(3));
    assert.ok(member < 0 || !isNamed(records.layout, member));
  });
});

class Running {
  readonly records = new Records();
  readonly journal = new CollectingJournal();
  readonly simulation: Simulation;
  readonly clock: SimulatedClock;
  isLeader = true;
  refuses = false;
  appended: SystemCommand[] = [];

  constructor() {
    const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    this.simulation = new Simulation({ random: seededRandom(1), drain });
    this.clock = new SimulatedClock(this.simulation);
    this.records.nowMs = this.clock.wallMs();
  }

  get parts() {
    const append = (command: SystemCommand): Promise<SystemResult> => {
      if (this.refuses) return Promise.reject(new Error("no leader"));
      this.appended.push(command);
      this.records.nowMs = this.clock.wallMs();
      return Promise.resolve(this.records.apply(command));
    };
    return { system: { state: this.records.state, append }, clock: this.clock, journal: this.journal };
  }

  drive(): LayoutDriver {
    const driver = new LayoutDriver({ ...this.parts, isLeader: () => this.isLeader }, 100);
    driver.start();
    return driver;
  }

  events(event: string): number {
    return this.journal.lines.filter((line) => line.event === event).length;
  }
}

describe("the layout's driver", () => {
  it("proposes on the leader alone, one change at a time, and says once why it waits", async () => {
    const running = new Running();
    running.isLeader = false;
    const driver = running.drive();
    running.records.nowMs = running.clock.wallMs();
    running.records.join(2, 3);
    await running.simulation.runFor(10_000);
    assert.equal(running.appended.length, 0);
    running.isLeader = true;
    await running.simulation.runFor(10_000);
    assert.equal(running.appended.length, 1);
    assert.equal(running.events("layout waits"), 1);
    running.records.complete();
    await running.simulation.runFor(10_000);
    assert.equal(running.appended.length, 1);
    running.records.change(2, { draining: true });
    await running.simulation.runFor(1000);
    assert.equal(running.appended.length, 2);
    await driver.stop();
  });

  it("tries again when the group has no leader", async () => {
    const running = new Running();
    const driver = running.drive();
    running.records.join(2, 3);
    running.refuses = true;
    await running.simulation.runFor(10_000);
    assert.ok(running.events("laying out interrupted") > 10);
    running.refuses = false;
    await running.simulation.runFor(1000);
    assert.equal(running.appended.length, 1);
    await driver.stop();
  });
});

describe("the closing of epochs", () => {
  it("tells the system group of all shards that closed in one entry, and of others when they have", async () => {
    const running = new Running();
    const { records } = running;
    records.join(2, 3);
    records.nowMs += joinSettleMs;
    const closed: number[] = [];
    let stuck: ShardId | undefined = shardId(2);
    const led = [shardId(0), shardId(2), shardId(3)];
    const closer = new EpochCloser(
      {
        ...running.parts,
        ledShards: () => led,
        closeEpoch: (shard, at) => {
          if (shard === stuck) return Promise.reject(new Error("no quorum"));
          closed.push(shard);
          assert.equal(at, layoutChange(records.state));
          return Promise.resolve();
        },
      },
      100,
    );
    closer.start();
    await running.simulation.runFor(1000);
    assert.deepEqual(closed, [], "nothing changes");
    const step = nextStep(records.state, records.nowMs);
    assert.equal(step.kind, "set-layout");
    records.set(step.layout);
    await running.simulation.runFor(1000);
    const { epoch: at } = step.layout;
    assert.deepEqual(running.appended, [{ kind: "closeShards", epoch: at, shards: [0, 3] }]);
    assert.deepEqual(closed, [0, 3]);
    stuck = undefined;
    await running.simulation.runFor(1000);
    assert.equal(closedEpochOf(records.state, shardId(2)), at);
    assert.equal(closedEverywhere(records.state, shardCount), epoch(0), "shard 1 is led elsewhere");
    led.push(shardId(1));
    await running.simulation.runFor(1000);
    assert.equal(closedEverywhere(records.state, shardCount), at);
    assert.deepEqual(closed, [0, 3, 2, 1]);
    await closer.stop();
  });
});
