/** Groups that rest: what they cost, what wakes them, and how soon a dead leader is noticed. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { groupId, utf8 } from "@holdfast/base";
import { allMetrics } from "@holdfast/ports";
import type { ProtocolName, WorldOptions } from "../test-support/world.ts";
import { group1, protocolNames, World } from "../test-support/world.ts";

async function restingWorld(protocol: ProtocolName, options: WorldOptions = {}): Promise<World> {
  const world = await World.start(options);
  await world.openGroup(protocol);
  await world.append(await world.leader(), "a");
  await world.untilResting();
  return world;
}

for (const protocol of protocolNames)
  suite(`resting: ${protocol}`, () => {
    test("idle groups rest, and then no message of any is sent", async () => {
      const world = await World.start();
      const groups = Array.from({ length: 50 }, (_, i) => groupId(i + 1));
      for (const group of groups) await world.openGroup(protocol, { group });
      for (const group of groups) await world.untilResting(group);
      const ballots = groups.map((group) => world.node(1).group(group).status().ballot);
      const messagesBefore = await world.messagesSent();
      const framesBefore = await world.node(1).metrics.value(allMetrics.groupFrames, {});
      await world.simulation.runFor(60_000);
      assert.equal(await world.messagesSent(), messagesBefore);
      assert.deepEqual(
        groups.map((group) => world.node(1).group(group).status().ballot),
        ballots,
        "nobody stood for election",
      );
      // A sign of life a tick for each of two nodes.
      const frames =
        ((await world.node(1).metrics.value(allMetrics.groupFrames, {})) ?? 0) - (framesBefore ?? 0);
      assert.ok(frames <= 2 * (60_000 / 50), `${frames} frames`);
      assert.equal(await world.node(1).metrics.value(allMetrics.groupsAwake, {}), 0);
    });

    test("a group rests where answers take longer than a tick", async () => {
      await restingWorld(protocol, { networkLatencyMs: { min: 60, max: 80 } });
    });

    test("a command at the leader wakes all, is applied everywhere, and the group rests again", async () => {
      const world = await restingWorld(protocol);
      await world.append(await world.leader(), "b");
      await world.until(() => world.nodes.every((node) => node.machine().texts.length === 2), "all apply it");
      await world.untilResting();
    });

    test("a read at a follower wakes the group and shows what is current", async () => {
      const world = await restingWorld(protocol);
      const follower = world.follower(await world.leader());
      await world.run(follower.group().readBarrier());
      assert.deepEqual(follower.machine().texts, ["a"]);
      await world.untilResting();
    });

    test("a command at a follower is refused, and wakes nobody", async () => {
      const world = await restingWorld(protocol);
      const follower = world.follower(await world.leader());
      await world.failure(follower.group().append(utf8("b")));
      assert.ok(world.nodes.every((node) => node.group().isResting));
    });

    test("a leader's node that stands still without a word is followed within a second", async () => {
      for (let seed = 1; seed <= 10; seed++) {
        const world = await restingWorld(protocol, { seed });
        const leader = await world.leader();
        leader.pause();
        const others = world.others(leader);
        const hasLeader = (): boolean => others.some((node) => node.group().status().role === "leader");
        const afterMs = await world.until(hasLeader, "a new leader");
        // Not before the silence was noticed, not later than an awake group would have done.
        assert.ok(afterMs > 350 && afterMs < 1000, `after ${afterMs} ms with seed ${seed}`);
      }
    });

    test("a leader's process that is killed is followed within a second", async () => {
      const world = await restingWorld(protocol);
      const leader = await world.leader();
      leader.kill();
      const others = world.others(leader);
      const hasLeader = (): boolean => others.some((node) => node.group().status().role === "leader");
      assert.ok((await world.until(hasLeader, "a new leader")) < 1000);
    });

    test("a leader that is cut off while it rests answers no read", async () => {
      const world = await restingWorld(protocol, { limits: { readWaitMs: 300 } });
      const leader = await world.leader();
      leader.pause();
      const others = world.others(leader);
      const hasLeader = (): boolean => others.some((node) => node.group().status().role === "leader");
      await world.until(hasLeader, "a new leader");
      const next = others.find((node) => node.group().status().role === "leader");
      assert.ok(next !== undefined);
      await world.append(next, "b");
      // It comes back to life, believes that it leads, and hears from nobody yet.
      world.switch.partition(
        [leader.id],
        others.map(({ id }) => id),
      );
      leader.resume();
      assert.equal(leader.group().status().role, "leader");
      assert.ok(leader.group().isResting);
      await world.failure(leader.group().readBarrier());
      assert.deepEqual(leader.machine().texts, ["a"]);
    });

    test("two nodes rest without a dead third, which gets what it missed when it is back", async () => {
      const world = await restingWorld(protocol);
      const leader = await world.leader();
      const away = world.follower(leader);
      away.kill();
      await world.append(leader, "b");
      await world.untilResting();
      await world.run(away.start());
      await world.until(() => away.machine().texts.length === 2, "it has caught up");
      await world.untilResting();
    });

    test("a connection that breaks wakes the group, and costs no election", async () => {
      const world = await restingWorld(protocol);
      const leader = await world.leader();
      const { ballot } = leader.group().status();
      for (const other of world.others(leader)) {
        world.switch.breakConnection(leader.id, other.id);
        await world.until(() => !other.group().isResting, "it woke");
        await world.untilResting();
      }
      assert.equal(leader.group().status().ballot, ballot);
      assert.equal(leader.group().status().role, "leader");
    });

    test("a follower that has not applied everything keeps the group awake", async () => {
      const world = await restingWorld(protocol);
      const leader = await world.leader();
      const follower = world.follower(leader);
      const { promise, resolve } = Promise.withResolvers<void>();
      follower.room = promise;
      await world.append(leader, "b");
      await world.simulation.runFor(10_000);
      assert.equal(follower.group().isResting, false);
      follower.room = undefined;
      resolve();
      await world.untilResting();
      assert.deepEqual(follower.machine().texts, ["a", "b"]);
    });

    test("a single voter rests alone", async () => {
      const world = await World.start({ nodes: 1 });
      await world.openGroup(protocol);
      await world.append(await world.leader(), "a");
      await world.untilResting();
      assert.equal(await world.node(1).metrics.value(allMetrics.groupsAwake, {}), 0);
      await world.append(world.node(1), "b");
      assert.equal(world.node(1).group(group1).appliedIndex, world.node(1).group().status().commitIndex);
    });
  });
