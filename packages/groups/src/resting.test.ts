/** Groups that rest: what they cost, what wakes them, and how soon a dead leader is noticed. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ballot, groupId, logIndex, utf8 } from "@holdfast/base";
import type { ConsensusStatus, FollowerStatus } from "@holdfast/consensus";
import { replicaId } from "@holdfast/consensus";
import { allMetrics } from "@holdfast/ports";
import type { ProtocolName, WorldOptions } from "../test-support/world.ts";
import { group1, protocolNames, World } from "../test-support/world.ts";
import type { RestItem } from "./frame-codec.ts";
import { followerMayRest, leaderMayRest } from "./resting.ts";

async function restingWorld(protocol: ProtocolName, options: WorldOptions = {}): Promise<World> {
  const world = await World.start(options);
  await world.openGroup(protocol);
  await world.append(await world.leader(), "a");
  await world.untilResting();
  return world;
}

const settled: ConsensusStatus = {
  id: replicaId(1),
  role: "leader",
  ballot: ballot(3),
  leader: replicaId(1),
  membership: { voters: [1, 2, 3].map(replicaId), outgoing: [], learners: [replicaId(4)] },
  commitIndex: logIndex(9),
  appliedIndex: logIndex(9),
  durableIndex: logIndex(9),
  lastIndex: logIndex(9),
  suspect: false,
};

function follower(id: number, matchIndex: number = 9, recentlyActive: boolean = true): FollowerStatus {
  const match = logIndex(matchIndex);
  return {
    id: replicaId(id),
    matchIndex: match,
    nextIndex: logIndex(match + 1),
    mode: "replicate",
    recentlyActive,
  };
}

test("a leader may rest when all is done, and every follower that lives has it", () => {
  const all = [2, 3, 4].map((id) => follower(id));
  const may = (
    status: ConsensusStatus,
    followers: readonly FollowerStatus[],
    live: readonly number[],
  ): boolean => leaderMayRest(status, followers, (id) => live.includes(id));
  const everybody = [2, 3, 4];
  assert.ok(may(settled, all, everybody));
  for (const name of ["commitIndex", "appliedIndex", "durableIndex"] as const)
    assert.ok(!may({ ...settled, [name]: logIndex(8) }, all, everybody), name);
  assert.ok(!may({ ...settled, role: "follower" }, all, everybody));
  assert.ok(!may({ ...settled, suspect: true }, all, everybody));
  assert.ok(
    !may({ ...settled, membership: { ...settled.membership, outgoing: [replicaId(1)] } }, all, everybody),
  );
  assert.ok(
    !may(settled, [follower(2), follower(3), follower(4, 8)], everybody),
    "a learner lacks something",
  );
  assert.ok(
    !may(settled, [follower(2, 9, false), follower(3), follower(4)], everybody),
    "one was not heard of",
  );
  assert.ok(may(settled, [follower(2), follower(3, 1), follower(4, 1)], [2]), "dead ones are not waited for");
  assert.ok(!may(settled, all, [4]), "no quorum lives");
});

test("a follower may rest when it follows that leader and knows and shows all that is committed", () => {
  const following: ConsensusStatus = { ...settled, id: replicaId(2), role: "follower" };
  const item = { from: replicaId(1), to: replicaId(2), ballot: ballot(3), index: logIndex(9) } as const;
  const rest: RestItem = { kind: "Rest", group: group1, ...item };
  assert.ok(followerMayRest(following, rest));
  assert.ok(!followerMayRest({ ...following, commitIndex: logIndex(8) }, rest));
  assert.ok(!followerMayRest({ ...following, appliedIndex: logIndex(8) }, rest));
  assert.ok(!followerMayRest({ ...following, ballot: ballot(4) }, rest));
  assert.ok(!followerMayRest({ ...following, leader: replicaId(3) }, rest));
  assert.ok(!followerMayRest({ ...following, role: "pre-candidate" }, rest));
  assert.ok(!followerMayRest({ ...following, suspect: true }, rest));
});

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
      await world.run(Promise.resolve(follower.group().readBarrier()));
      assert.deepEqual(follower.machine().texts, ["a"]);
      await world.untilResting();
    });

    test("a command at a follower is refused, and wakes nobody", async () => {
      const world = await restingWorld(protocol);
      const follower = world.follower(await world.leader());
      await world.failure(follower.group().append(utf8("b")));
      assert.ok(world.nodes.every((node) => node.group().isResting));
    });

    test("a leader's node that stands still without a word is followed as if the group had never rested", async () => {
      const times: number[] = [];
      for (let seed = 1; seed <= 10; seed++) {
        const world = await restingWorld(protocol, { seed });
        const leader = await world.leader();
        leader.pause();
        const others = world.others(leader);
        const hasLeader = (): boolean => others.some((node) => node.group().status().role === "leader");
        times.push(await world.until(hasLeader, "a new leader"));
      }
      times.sort((a, b) => a - b);
      const [fastest, slowest] = [times[0] ?? 0, times.at(-1) ?? 0];
      // The shortest timeout is 400 ms; its last tick may have begun before.
      assert.ok(fastest > 350 && fastest < 500, `the fastest after ${fastest} ms`);
      assert.ok(slowest < 1000, `the slowest after ${slowest} ms`);
    });

    test("a leader whose process is killed is followed sooner than one that is silent, at rest or not", async () => {
      const times: number[] = [];
      for (let seed = 1; seed <= 20; seed++) {
        const world = await restingWorld(protocol, { seed });
        const leader = await world.leader();
        if (seed % 2 === 0) await world.append(leader, "b");
        leader.kill();
        const others = world.others(leader);
        const hasLeader = (): boolean => others.some((node) => node.group().status().role === "leader");
        times.push(await world.until(hasLeader, "a new leader"));
      }
      times.sort((a, b) => a - b);
      const [fastest, median, slowest] = [times[0] ?? 0, times[10] ?? 0, times.at(-1) ?? 0];
      assert.ok(fastest >= 50, `the fastest after ${fastest} ms: a connection may be made anew`);
      assert.ok(median < 400, `the median after ${median} ms`);
      assert.ok(slowest < 800, `the slowest after ${slowest} ms`);
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
      await world.failure(Promise.resolve(leader.group().readBarrier()));
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
      const changesBefore = follower.leaders.length;
      await world.simulation.runFor(10_000);
      assert.equal(follower.group().isResting, false);
      assert.equal(follower.leaders.length, changesBefore, "it hears its leader all the time");
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
