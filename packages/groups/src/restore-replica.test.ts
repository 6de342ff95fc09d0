/** Whether a replica may go on as the one it was: lost logs, lost states, damage, interrupted installs (S9 to S11). */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ballot, logIndex, StoreError, utf8 } from "@holdfast/base";
import { emptyMembership, replicaId } from "@holdfast/consensus";
import { allMetrics } from "@holdfast/ports";
import { SimulatedDisk } from "@holdfast/ports/simulated";
import { ListStore } from "../test-support/list-machine.ts";
import type { TestNode } from "../test-support/world.ts";
import { group1, protocolNames, World } from "../test-support/world.ts";

async function refusal(world: World, node: TestNode): Promise<StoreError> {
  const error = await world.failure(node.start());
  assert.ok(error instanceof StoreError);
  assert.equal(error.code, "DataCorrupt");
  return error;
}

const textBytes = 20_000;

/** How much of a text of one letter is in the node's log. */
async function writtenBytes(world: World, node: TestNode, letter: string): Promise<number> {
  const [name = ""] = await world.run(node.disk.list("log"));
  const bytes = node.disk.peek(`log/${name}`) ?? new Uint8Array(0);
  return bytes.filter((byte) => byte === letter.charCodeAt(0)).length;
}

for (const protocol of protocolNames)
  suite(`restore: ${protocol}`, () => {
    test("a replica whose node has another log is refused, and joins anew under another number", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      await world.append(leader, "a");
      const victim = world.follower(leader);
      victim.kill();
      victim.disk = new SimulatedDisk({ random: world.random, simulation: world.simulation });
      const { message } = await refusal(world, victim);
      assert.match(message, /the log is another one/);
      // The node goes on without it; the caller gives it a new number for its new log.
      const record = victim.records.get(group1);
      assert.ok(record !== undefined);
      const [old, fresh] = [record.replica, replicaId(4)];
      world.places.set(fresh, victim.place);
      for (const node of world.others(victim)) node.group().setPlaces(world.places);
      const { incarnation } = victim.wal;
      const store = new ListStore();
      const anew = {
        ...record,
        replica: fresh,
        incarnation,
        membership: emptyMembership,
        store,
        wasOpened: false,
      };
      await world.run(victim.open(anew));
      const others = world.others(victim).map((node) => node.group().replica);
      const joined = leader.group().proposeChange({ voters: [old, ...others], learners: [fresh] });
      assert.equal(joined.kind, "proposed");
      await world.until(() => victim.machine().texts.length === 1, "it learns");
      const swapped = leader.group().proposeChange({ voters: [fresh, ...others], learners: [] });
      assert.equal(swapped.kind, "proposed");
      const isVoter = (): boolean => victim.group().status().membership.voters.includes(fresh);
      await world.until(isVoter, "it votes");
      await world.append(leader, "b");
      await world.until(() => victim.machine().texts.length === 2, "it follows");
    });

    test("what a node says under another log than its replica's is not listened to", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const victim = world.follower(leader);
      const { replica } = victim.group();
      const places = new Map(world.places).set(replica, { node: victim.id, incarnation: "another" });
      leader.group().setPlaces(places);
      const refused = (): Promise<number | undefined> =>
        leader.metrics.value(allMetrics.groupRefusals, { reason: "foreign" });
      const before = await refused();
      await world.append(leader, "a");
      await world.simulation.runFor(1000);
      assert.ok(((await refused()) ?? 0) > (before ?? 0));
      assert.equal(
        leader
          .group()
          .followers()
          .find(({ id }) => id === replica)?.recentlyActive,
        false,
      );
    });

    test("a replica that was opened before and is not in the log is refused", async () => {
      const world = await World.start({ nodes: 1 });
      await world.openGroup(protocol);
      const node = world.node(1);
      await world.run(node.host.forget(group1));
      node.kill();
      const { message } = await refusal(world, node);
      assert.match(message, /nothing of it is in the log/);
    });

    test("a state that is ahead of its log is refused", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      await world.append(leader, "a");
      const record = leader.records.get(group1);
      assert.ok(record !== undefined);
      leader.machine().flush();
      const { position, texts } = record.store.saved;
      record.store.saved = { position: { ...position, index: logIndex(position.index + 5) }, texts };
      leader.kill();
      const { message } = await refusal(world, leader);
      assert.match(message, /before the applied index/);
    });

    test("a log that begins behind the state is refused", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      await world.append(leader, "a");
      leader.checkpoint();
      // The checkpoint is durable with the next batch.
      await world.append(leader, "b");
      const record = leader.records.get(group1);
      assert.ok(record !== undefined);
      record.store.saved = new ListStore().saved;
      leader.kill();
      const { message } = await refusal(world, leader);
      assert.match(message, /the log begins behind/);
    });

    test("a snapshot that the log names and that was not installed becomes the state at the start", async () => {
      const world = await World.start({ nodes: 1 });
      await world.openGroup(protocol);
      const node = world.node(1);
      await world.append(await world.leader(), "a");
      const record = node.records.get(group1);
      assert.ok(record !== undefined);
      const { voters } = node.group().status().membership;
      const position = {
        index: logIndex(50),
        ballot: ballot(1),
        membership: { voters, outgoing: [], learners: [] },
      };
      record.store.staged = { position, texts: ["a", "b"] };
      const base = { index: position.index, ballot: position.ballot };
      await world.run(node.wal.append({ group: group1, base, entries: [] }));
      node.kill();
      await world.run(node.start());
      assert.deepEqual(node.machine().texts, ["a", "b"]);
      await world.append(await world.leader(), "c");
      assert.deepEqual(node.machine().texts, ["a", "b", "c"]);
    });

    test("a snapshot that the log does not name is dropped at the start", async () => {
      const world = await World.start({ nodes: 1 });
      await world.openGroup(protocol);
      const node = world.node(1);
      await world.append(await world.leader(), "a");
      const record = node.records.get(group1);
      assert.ok(record !== undefined);
      const position = { index: logIndex(50), ballot: ballot(1), membership: emptyMembership };
      record.store.staged = { position, texts: ["x"] };
      node.kill();
      await world.run(node.start());
      assert.equal(record.store.staged, undefined);
      await world.until(() => node.machine().texts.length === 1, "its own log counts");
      assert.deepEqual(node.machine().texts, ["a"]);
    });

    test("an only voter goes on without what was torn while it was written: nobody was told that it has it", async () => {
      let torn = 0;
      for (let seed = 1; seed <= 8; seed++) {
        const world = await World.start({ nodes: 1, seed });
        await world.openGroup(protocol);
        const node = world.node(1);
        await world.append(await world.leader(), "a");
        node.disk.failNext("write", /^log\//);
        await world.failure(node.group().append(utf8("x".repeat(textBytes))));
        node.kill();
        const written = await writtenBytes(world, node, "x");
        if (written > 0 && written < textBytes) torn++;
        await world.run(node.start());
        await world.until(() => node.machine().texts.length === 1, "what was acknowledged counts");
        await world.append(await world.leader(), "b");
        assert.deepEqual(node.machine().texts, ["a", "b"]);
      }
      assert.ok(torn > 0, "a write was cut short");
    });

    test("a damaged log makes a replica suspect until it has got back what it lost (S10)", async () => {
      const world = await World.start();
      await world.openGroup(protocol);
      const leader = await world.leader();
      const texts = ["first text", "second text", "third text"];
      for (const text of texts) await world.append(leader, text);
      const victim = world.follower(leader);
      await world.until(() => victim.machine().texts.length === 3, "it has them");
      await world.simulation.runFor(1000);
      victim.kill();
      await world.rotLog(victim, "second text");
      await world.run(victim.start());
      assert.ok(victim.group().status().suspect, "it is suspect");
      await world.until(() => victim.machine().texts.length === 3, "it has them again");
      await world.until(() => victim.wal.group(group1)?.suspicion === undefined, "the log is settled");
      assert.equal(victim.group().status().suspect, false);
      assert.deepEqual(victim.machine().texts, texts);
    });
  });
