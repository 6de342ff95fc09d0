/** Three hosts on simulated disks and a simulated switch, both protocols: what a group does from election to power loss. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { GroupId } from "@holdfast/base";
import { groupId, StoreError, utf8 } from "@holdfast/base";
import { replicaId } from "@holdfast/consensus";
import { allMetrics } from "@holdfast/ports";
import { group1, protocolNames, World } from "../test-support/world.ts";

function codeOf(error: unknown): string {
  assert.ok(error instanceof StoreError);
  return error.code;
}

for (const protocol of protocolNames)
  suite(`group host: ${protocol}`, () => {
    test("append: a command resolves with its index and result when it is applied at the leader", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const { index, result } = await world.append(leader, "a");
      assert.equal(result, `a at ${index}`);
      assert.deepEqual(leader.machine().texts, ["a"]);
      assert.equal(leader.group().appliedIndex, index);
      await world.until(() => world.nodes.every((node) => node.machine().texts.length === 1), "all apply it");
    });

    test("append: nothing is acknowledged before a quorum has it on disk", async () => {
      const world = await World.start({ diskLatencyMs: { min: 1, max: 1 } });
      await world.openGroup(protocol);
      const leader = await world.leader();
      for (const other of world.others(leader)) other.disk.slowness = 200;
      const beganMs = world.simulation.nowMs;
      await world.append(leader, "a");
      assert.ok(world.simulation.nowMs - beganMs >= 200);
    });

    test("append: a follower refuses it and names the leader", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const follower = world.follower(leader);
      await world.until(() => follower.group().leader !== undefined, "the follower knows it");
      const error = await world.failure(follower.group().append(utf8("a")));
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, "Unavailable");
      assert.equal(error.outcome, "not-applied");
      assert.equal(error.fields["leaderNode"], leader.id);
      assert.equal(follower.host.leader(group1)?.node, leader.id);
      assert.equal(follower.leaders.at(-1)?.node, leader.id);
    });

    test("append: what was lost with a leadership ends as not applied, and is applied nowhere", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const old = await world.leader();
      const others = world.others(old);
      world.switch.partition(
        [old.id],
        others.map(({ id }) => id),
      );
      const lost = world.rejection(old.group().append(utf8("lost")));
      await world.until(() => others.some((node) => node.group().status().role === "leader"), "a new leader");
      const leader = others.find((node) => node.group().status().role === "leader");
      assert.ok(leader !== undefined);
      await world.append(leader, "kept");
      world.switch.healAll();
      const error = await world.run(lost);
      assert.ok(error instanceof StoreError);
      assert.equal(error.outcome, "not-applied");
      await world.until(() => old.machine().texts.length > 0, "the old leader catches up");
      assert.deepEqual(old.machine().texts, ["kept"]);
    });

    test("state: whose owner finds it damaged hands leadership over at once, without an election's wait", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      await world.append(leader, "first");
      await world.simulation.runFor(500);
      const beganMs = world.simulation.nowMs;
      leader.host.failState(group1, new Error("damaged"));
      assert.deepEqual(leader.stateFailures, [group1]);
      const others = world.others(leader);
      await world.until(() => others.some((node) => node.group().status().role === "leader"), "a new leader");
      const tookMs = world.simulation.nowMs - beganMs;
      assert.ok(tookMs < 100, `${tookMs} ms`);
      await world.run(leader.host.ended(group1));
      assert.equal(leader.group().leader, undefined);
      const error = await world.failure(leader.group().append(utf8("a")));
      assert.ok(error instanceof StoreError);
    });

    test("append: a command whose fate nobody learns ends as unknown", async () => {
      const world = await World.start({ limits: { commitWaitMs: 3000 } });
      await world.openGroup(protocol);
      const leader = await world.leader();
      world.switch.partition(
        [leader.id],
        world.others(leader).map(({ id }) => id),
      );
      const error = await world.failure(leader.group().append(utf8("a")));
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, "OutcomeUnknown");
      assert.equal(error.outcome, "unknown");
    });

    test("append: too many bytes in front of the leader are refused as overloaded, none of them applied", async () => {
      const world = await World.start({ limits: { proposeBytesMax: 1000 } });
      await world.openGroup(protocol);
      const leader = await world.leader();
      const first = leader.group().append(new Uint8Array(900));
      const error = await world.failure(leader.group().append(new Uint8Array(900)));
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, "Overloaded");
      await world.run(first);
      assert.equal(leader.machine().texts.length, 1);
    });

    test("read barrier: every node's state shows what was acknowledged before", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      for (const text of ["a", "b", "c"]) {
        await world.append(leader, text);
        for (const node of world.nodes) {
          await world.run(Promise.resolve(node.group().readBarrier()));
          assert.equal(node.machine().texts.at(-1), text);
        }
      }
    });

    test("read barrier: a leader that is cut off answers none", async () => {
      const world = await World.start({ limits: { readWaitMs: 2000 } });
      await world.openGroup(protocol);
      const leader = await world.leader();
      world.switch.partition(
        [leader.id],
        world.others(leader).map(({ id }) => id),
      );
      const error = await world.failure(Promise.resolve(leader.group().readBarrier()));
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, "Unavailable");
    });

    test("restart: a killed node comes back with all it acknowledged, and the others served on", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const old = await world.leader();
      await world.append(old, "a");
      old.kill();
      const afterMs = await world.until(() => world.leaderNow() !== undefined, "a new leader");
      assert.ok(afterMs < 1000, `service was back after ${afterMs} ms`);
      const leader = await world.leader();
      await world.append(leader, "b");
      await world.run(old.start());
      await world.until(() => old.machine().texts.length === 2, "the old one catches up");
      assert.deepEqual(old.machine().texts, ["a", "b"]);
    });

    test("power loss: after all three lost power, everything acknowledged is there", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      for (const text of ["a", "b", "c"]) await world.append(leader, text);
      for (const node of world.nodes) node.powerLoss();
      for (const node of world.nodes) await world.run(node.start());
      const next = await world.leader();
      await world.run(Promise.resolve(next.group().readBarrier()));
      assert.deepEqual(next.machine().texts, ["a", "b", "c"]);
    });

    test("snapshot: a node that missed what the log no longer holds gets the state, and goes on from there", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const away = world.follower(leader);
      await world.append(leader, "first");
      away.kill();
      const texts = ["first", ...(await world.fillWindow(leader))];
      for (const node of world.nodes) if (node !== away) node.checkpoint();
      await world.run(away.start());
      await world.until(() => away.machine().texts.length === texts.length, "it has everything");
      assert.deepEqual(away.machine().texts, texts);
      assert.ok(away.machine().installs > 0, "by a snapshot");
      await world.append(await world.leader(), "last");
      await world.until(() => away.machine().texts.at(-1) === "last", "it follows on");
      // The log begins behind the snapshot, durably.
      away.powerLoss();
      await world.run(away.start());
      await world.until(() => away.machine().texts.at(-1) === "last", "it is back");
    });

    test("snapshot: a leader that cannot read its state ends there, and the next one sends it", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const away = world.follower(leader);
      away.kill();
      const texts = await world.fillWindow(leader);
      for (const node of world.nodes) if (node !== away) node.checkpoint();
      leader.machine().snapshotFailure = new Error("the state is damaged");
      await world.run(away.start());
      await world.until(() => leader.stateFailures.length === 1, "it gives the group up");
      await world.until(() => away.machine().installs === 1, "a snapshot of the other one");
      assert.deepEqual(away.machine().texts, texts);
    });

    test("snapshot: what waited to be applied is not applied on it again", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const away = world.follower(leader);
      const { promise, resolve } = Promise.withResolvers<void>();
      away.room = promise;
      await world.append(leader, "first");
      await world.until(() => away.group().status().commitIndex >= leader.group().appliedIndex, "it knows");
      world.switch.partition(
        [away.id],
        world.others(away).map(({ id }) => id),
      );
      const texts = ["first", ...(await world.fillWindow(leader))];
      for (const node of world.nodes) if (node !== away) node.checkpoint();
      // What was sent is lost by then.
      await world.simulation.runFor(6000);
      world.switch.healAll();
      await world.until(() => away.machine().installs === 1, "a snapshot");
      away.room = undefined;
      resolve();
      await world.append(await world.leader(), "last");
      await world.until(() => away.machine().texts.at(-1) === "last", "it follows on");
      assert.deepEqual(away.machine().texts, [...texts, "last"]);
    });

    test("fetch: a node that missed what is no longer in memory gets it from the leader's log", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const away = world.follower(leader);
      away.kill();
      const texts = await world.fillWindow(leader);
      await world.run(away.start());
      await world.until(() => away.machine().texts.length === texts.length, "it has everything");
      assert.deepEqual(away.machine().texts, texts);
      assert.equal(away.machine().installs, 0, "without a snapshot");
    });

    test("membership: one voter becomes three, and serves on when the first one dies", async () => {
      const world = await World.start();
      await world.openGroup(protocol, { voters: 1 });
      const first = world.node(1);
      await world.append(first, "a");
      const [one, two, three] = [1, 2, 3].map(replicaId);
      assert.ok(one !== undefined && two !== undefined && three !== undefined);
      const learning = first.group().proposeChange({ voters: [one], learners: [two, three] });
      assert.equal(learning.kind, "proposed");
      await world.until(() => world.nodes.every((node) => node.machine().texts.length === 1), "all learn");
      const voting = first.group().proposeChange({ voters: [one, two, three], learners: [] });
      assert.equal(voting.kind, "proposed");
      const isStable = (): boolean =>
        world.nodes.every((node) => {
          const { voters, outgoing } = node.group().status().membership;
          return voters.length === 3 && outgoing.length === 0;
        });
      await world.until(isStable, "three voters");
      first.kill();
      const leader = await world.leader();
      await world.append(leader, "b");
      assert.deepEqual(leader.machine().texts, ["a", "b"]);
    });

    test("transfer: leadership goes to the voter that was named", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const follower = world.follower(leader);
      await world.until(() => follower.group().leader !== undefined, "the follower knows it");
      assert.equal(leader.group().transferLeader(follower.group().replica), undefined);
      await world.until(() => world.leaderNow() === follower, "it leads");
      await world.append(follower, "a");
    });

    test("failed write: the node's groups end without another word, and the others go on (S11)", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const other = groupId(2);
      await world.openGroup(protocol, { group: other });
      const leader = await world.leader();
      await world.append(leader, "a");
      leader.disk.failNextSync();
      const error = await world.failure(leader.group().append(utf8("b")));
      assert.ok(error instanceof StoreError);
      assert.equal(error.outcome, "unknown");
      assert.equal(leader.logFailures.length, 1);
      const framesBefore = await leader.metrics.value(allMetrics.groupFrames, {});
      for (const group of [group1, other]) {
        const refused = await world.failure(leader.group(group).append(utf8("c")));
        assert.ok(refused instanceof StoreError);
        assert.equal(refused.code, "Unavailable");
      }
      const others = world.others(leader);
      await world.until(() => others.some((node) => node.group().status().role === "leader"), "a new leader");
      const next = others.find((node) => node.group().status().role === "leader");
      assert.ok(next !== undefined);
      await world.append(next, "d");
      assert.equal(await leader.metrics.value(allMetrics.groupFrames, {}), framesBefore);
    });

    test("failed state: that group ends on the node, the others go on", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const other = groupId(2);
      await world.openGroup(protocol, { group: other });
      const leader = await world.leader();
      leader.machine().failure = new Error("damaged");
      const error = await world.failure(leader.group().append(utf8("a")));
      assert.ok(error instanceof StoreError);
      assert.equal(error.outcome, "unknown");
      assert.deepEqual(leader.stateFailures, [group1]);
      await world.run(Promise.resolve(leader.group(other).readBarrier()));
      const others = world.others(leader);
      await world.until(() => others.some((node) => node.group().status().role === "leader"), "a new leader");
    });

    test("room: while the state store has none, entries are not applied, and then they are", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const { promise, resolve } = Promise.withResolvers<void>();
      leader.room = promise;
      const appended = leader.group().append(utf8("a"));
      const follower = world.follower(leader);
      await world.until(() => follower.machine().texts.length === 1, "others apply it");
      assert.deepEqual(leader.machine().texts, []);
      leader.room = undefined;
      resolve();
      await world.run(appended);
      assert.deepEqual(leader.machine().texts, ["a"]);
    });

    test("room: a node that cannot apply takes only so much more, and then catches up", async () => {
      const world = await World.start({ limits: { unappliedBytesMax: 50_000 } });
      await world.openGroup(protocol);
      const leader = await world.leader();
      const slow = world.follower(leader);
      const { promise, resolve } = Promise.withResolvers<void>();
      slow.room = promise;
      const texts = await world.fillWindow(leader, 40);
      const { lastIndex, appliedIndex } = slow.group().status();
      assert.ok(lastIndex - appliedIndex < 10, `${lastIndex - appliedIndex} of 40 entries were taken`);
      slow.room = undefined;
      resolve();
      await world.until(() => slow.machine().texts.length === texts.length, "it has everything");
    });

    test("frames: who was answered has the next command leave with the news of the last one's commit", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const frames = (): Promise<number> =>
        leader.metrics.value(allMetrics.groupFrames, {}).then((value) => value ?? 0);
      const count = 100;
      const before = await frames();
      const askAgainAndAgain = async (): Promise<void> => {
        for (let i = 0; i < count; i++) await leader.group().append(utf8(`${i}`));
      };
      await world.run(askAgainAndAgain());
      const sent = (await frames()) - before;
      // One to each of two followers for each command; some more are heartbeats. News of their own would make it twice as many.
      assert.ok(sent >= 2 * count && sent < 2.5 * count, `${sent} frames`);
    });

    test("slow disk: one group's commands wait in front of the log, not in it", async () => {
      const world = await World.start({
        nodes: 1,
        diskLatencyMs: { min: 1, max: 1 },
        limits: { groupBytesMax: 50_000 },
      });
      await world.openGroup(protocol);
      const node = await world.leader();
      node.disk.slowness = 100;
      const appends = Array.from({ length: 1000 }, () => node.group().append(new Uint8Array(1000)));
      await world.simulation.runFor(50);
      assert.ok(node.wal.queuedBytes > 0 && node.wal.queuedBytes < 100_000, `${node.wal.queuedBytes}`);
      node.disk.slowness = 1;
      await world.run(Promise.all(appends));
    });

    test("full disk: nothing is lost, and the node writes on when there is room", async () => {
      const world = await World.start({ segmentBytes: 1024 * 1024 });
      await world.openGroup(protocol);
      const leader = await world.leader();
      const full = world.follower(leader);
      full.disk.capacityBytes = 0;
      const texts = await world.fillWindow(leader, 150);
      assert.ok(full.machine().texts.length < texts.length, "it cannot hold all of it");
      full.disk.capacityBytes = 2 ** 50;
      await world.until(() => full.machine().texts.length === texts.length, "it catches up", 60_000);
      assert.deepEqual(full.machine().texts, texts);
      assert.deepEqual(full.logFailures, []);
    });

    test("stop: the others elect a leader, and the host says nothing any more", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      await world.append(leader, "a");
      await world.untilResting();
      await world.run(leader.host.stop());
      const frames = await leader.metrics.value(allMetrics.groupFrames, {});
      const others = world.others(leader);
      await world.until(() => others.some((node) => node.group().status().role === "leader"), "a new leader");
      assert.equal(await leader.metrics.value(allMetrics.groupFrames, {}), frames);
      assert.deepEqual(leader.logFailures, []);
    });

    test("stop: a group that has ended here names no leader any more", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const [follower] = world.others(leader);
      assert.ok(follower !== undefined);
      await world.until(() => follower.group().leader?.node === leader.id, "the follower knows its leader");
      await world.run(follower.host.stop());
      assert.equal(follower.group().leader, undefined);
    });

    test("full disk: a leader refuses what it cannot write, and writes on when there is room", async () => {
      const world = await World.start({ nodes: 1, segmentBytes: 1024 * 1024 });
      await world.openGroup(protocol);
      const node = await world.leader();
      node.disk.capacityBytes = 0;
      const appends = Array.from({ length: 300 }, () => node.group().append(new Uint8Array(12_000)));
      const ends = Promise.all(appends.map((append) => append.then(() => "applied", codeOf)));
      await world.simulation.runFor(5000);
      node.disk.capacityBytes = 2 ** 50;
      const codes = new Set(await world.run(ends));
      assert.deepEqual([...codes].sort(), ["OutOfSpace", "applied"]);
      await world.append(node, "last");
      assert.equal(node.machine().texts.at(-1), "last");
    });

    test("close: a group that is closed and opened again goes on, and the others elect a leader meanwhile", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      await world.append(leader, "a");
      await world.untilResting();
      await world.run(leader.host.close(group1));
      const error = await world.failure(leader.group().append(utf8("b")));
      assert.ok(error instanceof StoreError);
      assert.equal(error.code, "Stopped");
      const others = world.others(leader);
      await world.until(() => others.some((node) => node.group().status().role === "leader"), "a new leader");
      const record = leader.records.get(group1);
      assert.ok(record !== undefined);
      await world.run(leader.open(record));
      await world.until(() => leader.machine().texts.length === 1, "it is back");
    });
  });

test("group host: many groups of both protocols share log and connections, and nothing else", async () => {
  const world = await World.start();
  const groups = Array.from({ length: 20 }, (_, i) => groupId(i + 1));
  const isRaft = (group: GroupId): boolean => group % 2 === 0;
  for (const group of groups) await world.openGroup(isRaft(group) ? "raft" : "multipaxos", { group });
  const append = async (group: GroupId): Promise<void> => {
    const leader = world.leaderNow(group);
    assert.ok(leader !== undefined);
    for (let i = 0; i < 10; i++) await leader.group(group).append(utf8(`${group} ${i}`));
  };
  for (const group of groups) await world.leader(group);
  await world.run(Promise.all(groups.map(append)));
  for (const node of world.nodes) node.powerLoss();
  for (const node of world.nodes) await world.run(node.start());
  for (const group of groups) {
    const leader = await world.leader(group);
    await world.run(Promise.resolve(leader.group(group).readBarrier()));
    const texts = Array.from({ length: 10 }, (_, i) => `${group} ${i}`);
    assert.deepEqual(leader.machine(group).texts, texts);
  }
});

test("group host: what all groups write in one round of turns is one batch of the log", async () => {
  const world = await World.start({ nodes: 1 });
  const groups = Array.from({ length: 20 }, (_, i) => groupId(i + 1));
  for (const group of groups) await world.openGroup("raft", { group });
  for (const group of groups) await world.leader(group);
  await world.simulation.runFor(1000);
  const node = world.node(1);
  const before = (await node.metrics.value(allMetrics.logBatches, {})) ?? 0;
  await world.run(Promise.all(groups.map((group) => node.group(group).append(utf8("a")))));
  assert.equal(await node.metrics.value(allMetrics.logBatches, {}), before + 1);
});
