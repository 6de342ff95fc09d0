import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { NodeId } from "@holdfast/base";
import { ballot, logIndex, nodeId, seededRandom } from "@holdfast/base";
import { replicaId } from "@holdfast/consensus";
import { SimulatedClock, Simulation } from "@holdfast/ports/simulated";
import { systemGroup } from "../groups/group-ids.ts";
import { Farewells, nodesLetGo } from "./farewells.ts";

const [one, other] = [nodeId("a"), nodeId("b")];
const removal = logIndex(7);

class World {
  readonly simulation = new Simulation({
    random: seededRandom(1),
    drain: () => new Promise((resolve) => setImmediate(resolve)),
  });
  readonly dead = new Set<NodeId>();
  readonly asked: string[] = [];
  readonly answers = new Map<NodeId, () => void>();
  readonly farewells = new Farewells({
    clock: new SimulatedClock(this.simulation),
    isLive: (node) => !this.dead.has(node),
    nodeKnows: (node, index, signal) => {
      this.asked.push(`${node} ${index}`);
      return new Promise((resolve) => {
        this.answers.set(node, resolve);
        signal.addEventListener("abort", () => resolve());
      });
    },
  });

  async answer(node: NodeId): Promise<void> {
    this.answers.get(node)?.();
    await this.simulation.runFor(1);
  }
}

suite("farewells: a node that was removed", () => {
  test("is waited for until it knows, and asked once", async () => {
    const world = new World();
    const { farewells } = world;
    assert.equal(farewells.areSaid([one], removal), false);
    await world.simulation.runFor(9000);
    assert.equal(farewells.areSaid([one], removal), false);
    await world.answer(one);
    assert.equal(farewells.areSaid([one], removal), true);
    assert.deepEqual(world.asked, ["a 7"]);
  });

  test("is not waited for longer than 2 s when it is not heard of", async () => {
    const { farewells, dead, simulation } = new World();
    dead.add(one);
    assert.equal(farewells.areSaid([one], removal), false);
    await simulation.runFor(1999);
    assert.equal(farewells.areSaid([one], removal), false);
    await simulation.runFor(1);
    assert.equal(farewells.areSaid([one], removal), true);
  });

  test("is waited for on though its connection ended, when it is heard of again within 2 s", async () => {
    const { farewells, dead, simulation } = new World();
    dead.add(one);
    assert.equal(farewells.areSaid([one], removal), false);
    await simulation.runFor(1500);
    dead.delete(one);
    assert.equal(farewells.areSaid([one], removal), false);
    dead.add(one);
    await simulation.runFor(1500);
    assert.equal(farewells.areSaid([one], removal), false);
  });

  test("is not waited for longer than 10 s, though it lives", async () => {
    const { farewells, simulation } = new World();
    assert.equal(farewells.areSaid([one], removal), false);
    await simulation.runFor(9999);
    assert.equal(farewells.areSaid([one], removal), false);
    await simulation.runFor(2);
    assert.equal(farewells.areSaid([one], removal), true);
  });

  test("keeps others that were removed until they know, too", async () => {
    const world = new World();
    const { farewells } = world;
    assert.equal(farewells.areSaid([one, other], removal), false);
    await world.answer(one);
    assert.equal(farewells.areSaid([one, other], removal), false, "b has not said so");
    assert.equal(farewells.areSaid([one], removal), true);
    await world.answer(other);
    assert.deepEqual(world.asked, ["a 7", "b 7"]);
  });
});

test("farewells: who is let go is a node that the cluster knows no more, not one with a new log", () => {
  const membership = { voters: [replicaId(1)], outgoing: [], learners: [replicaId(2), replicaId(3)] };
  const at = { commitIndex: removal, appliedIndex: removal, durableIndex: removal, lastIndex: removal };
  const leader = { id: replicaId(1), role: "leader", ballot: ballot(1), leader: replicaId(1) } as const;
  const places = ["m", "a", "b"].map((node, i) => ({
    replica: i + 1,
    node: nodeId(node),
    incarnation: `log-${node}`,
  }));
  const view = {
    status: { ...leader, membership, suspect: false, ...at },
    followers: [],
    record: { group: systemGroup, nextReplica: 4, places },
    lifeOf: (node: NodeId) => (node === one ? undefined : `log-${node}-anew`),
  };
  const target = { voters: [replicaId(1)], learners: [] };
  assert.deepEqual(nodesLetGo({ kind: "change", target }, view), [one]);
  const without = { ...target, learners: [replicaId(2)] };
  assert.deepEqual(nodesLetGo({ kind: "change", target: without }, view), []);
  assert.deepEqual(nodesLetGo({ kind: "none" }, view), []);
});
