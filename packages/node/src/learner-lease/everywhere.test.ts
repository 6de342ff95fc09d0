import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogIndex, NodeId } from "@holdfast/base";
import { encode, logIndex, nodeId, seededRandom, toHex } from "@holdfast/base";
import { emptyBody, NetworkError } from "@holdfast/ports";
import { SimulatedClock, SimulatedSwitch, Simulation } from "@holdfast/ports/simulated";
import { appliedQuestionCodec } from "./applied-question.ts";
import { Everywhere } from "./everywhere.ts";
import { leaseMs } from "./learner-lease.ts";

const ids = ["a", "b", "c"].map(nodeId);

class World {
  readonly simulation: Simulation;
  readonly switch: SimulatedSwitch;
  readonly clock: SimulatedClock;
  /** What each has applied. */
  readonly applied = new Map<NodeId, LogIndex>();
  readonly nodes = new Map<NodeId, Everywhere>();

  constructor() {
    const random = seededRandom(1);
    this.simulation = new Simulation({
      random,
      drain: () => new Promise((resolve) => setImmediate(resolve)),
    });
    const { simulation } = this;
    const latency = { latencyMsMin: 1, latencyMsMax: 2, silenceMsMax: 2000, breakChance: 0 };
    this.switch = new SimulatedSwitch({ simulation, random, ...latency });
    this.clock = new SimulatedClock(simulation);
  }

  /** All three, who have known each other for longer than a lease. */
  static async settled(): Promise<World> {
    const world = new World();
    for (const id of ids) world.open(id);
    for (const id of ids) world.node(id).setNodes(new Set(ids));
    await world.simulation.runFor(2 * leaseMs);
    return world;
  }

  open(id: NodeId): void {
    const network = this.switch.open(id);
    network.setPeers(ids.filter((other) => other !== id).map((other) => ({ id: other, address: other })));
    const appliedIndex = (): LogIndex => this.applied.get(id) ?? logIndex(0);
    const everywhere = new Everywhere({ network, clock: this.clock, appliedIndex });
    network.listen(everywhere);
    this.nodes.set(id, everywhere);
  }

  node(id: NodeId | undefined): Everywhere {
    const found = id === undefined ? undefined : this.nodes.get(id);
    assert.ok(found !== undefined);
    return found;
  }

  apply(id: NodeId, index: number): void {
    this.applied.set(id, logIndex(index));
    this.node(id).onApplied();
  }

  /** How long it takes until node a is sure of entry 7. */
  async tookMs(): Promise<number> {
    const beganMs = this.simulation.nowMs;
    await this.simulation.runUntilSettled(this.node(ids[0]).knows(logIndex(7)), 60_000);
    return this.simulation.nowMs - beganMs;
  }
}

test("everywhere: nodes that have applied the entry say so at once", async () => {
  const world = await World.settled();
  for (const id of ids) world.apply(id, 8);
  const tookMs = await world.tookMs();
  assert.ok(tookMs < 20, `${tookMs} ms`);
});

test("everywhere: a node that has not is waited for until it has", async () => {
  const world = await World.settled();
  for (const id of ids) world.apply(id, 6);
  for (const [i, id] of ids.entries()) world.clock.after(300 * (i + 1), () => world.apply(id, 7));
  const tookMs = await world.tookMs();
  assert.ok(tookMs >= 900 && tookMs < 950, `${tookMs} ms`);
});

test("everywhere: of a node that does not answer it is enough that its lease has run out", async () => {
  const world = await World.settled();
  for (const id of ids.slice(0, 2)) world.apply(id, 7);
  const tookMs = await world.tookMs();
  assert.ok(tookMs > leaseMs && tookMs < leaseMs + 300, `${tookMs} ms`);
});

test("everywhere: a node that was removed a moment ago is waited for as well, as long as a lease lasts", async () => {
  const world = await World.settled();
  for (const id of ids.slice(0, 2)) world.apply(id, 7);
  world.node(ids[0]).setNodes(new Set(ids.slice(0, 2)));
  assert.ok((await world.tookMs()) > leaseMs);
  assert.ok((await world.tookMs()) < 20, "now its lease is over");
});

test("everywhere: who has just come to know the others waits: one of whom it does not know may have gone", async () => {
  const world = new World();
  for (const id of ids) world.open(id);
  for (const id of ids) world.apply(id, 7);
  world.node(ids[0]).setNodes(new Set(ids));
  assert.ok((await world.tookMs()) > leaseMs);
  assert.ok((await world.tookMs()) < 20);
});

test("everywhere: a node alone asks nobody", async () => {
  const world = new World();
  world.open(ids[0] ?? nodeId("a"));
  world.node(ids[0]).setNodes(new Set(ids.slice(0, 1)));
  world.apply(ids[0] ?? nodeId("a"), 7);
  assert.equal(await world.tookMs(), 0);
});

test("everywhere: what is no question is refused; so is the thousand and first that would wait", async () => {
  const world = await World.settled();
  const node = world.node(ids[1]);
  const { signal } = new AbortController();
  const ask = (head: Uint8Array): Promise<unknown> =>
    node.onExchange(nodeId("a"), { head, body: emptyBody }, signal);
  const question = encode(appliedQuestionCodec, { kind: "applied", index: logIndex(7) });
  assert.equal(toHex(question), "0107");
  for (const head of [new Uint8Array(0), question.subarray(0, 1), Uint8Array.of(2, 7)])
    await assert.rejects(ask(head), NetworkError);
  const waiting = Array.from({ length: 1000 }, () => ask(question));
  await assert.rejects(ask(question), NetworkError);
  world.apply(ids[1] ?? nodeId("b"), 7);
  await Promise.all(waiting);
});
