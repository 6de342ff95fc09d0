/** Frames that no correct node sends: refused, counted, and without effect. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ballot, encode, groupId, logIndex, uniform } from "@holdfast/base";
import { raftProtocol, replicaId } from "@holdfast/consensus";
import { allMetrics, emptyBody } from "@holdfast/ports";
import type { TestNode } from "../test-support/world.ts";
import { group1, World } from "../test-support/world.ts";
import type { FrameItem } from "./frame-codec.ts";
import { FrameWriter } from "./frame-codec.ts";
import type { FrameRefusal } from "./group-counts.ts";
import { snapshotHeadCodec } from "./snapshot-head.ts";

async function refusals(node: TestNode, reason: FrameRefusal): Promise<number> {
  return (await node.metrics.value(allMetrics.groupRefusals, { reason })) ?? 0;
}

function frameOf(sender: TestNode, ...items: readonly FrameItem[]): Uint8Array {
  const writer = new FrameWriter({ incarnation: sender.wal.incarnation, run: 1 });
  for (const item of items) writer.add(item);
  return writer.finish();
}

async function start(): Promise<{ world: World; receiver: TestNode; sender: TestNode }> {
  const world = await World.start();
  await world.openGroup("raft");
  const sender = await world.leader();
  await world.append(sender, "a");
  return { world, sender, receiver: world.follower(sender) };
}

const envelope = { from: replicaId(1), to: replicaId(2), ballot: ballot(99) };

test("hostile frames: each is refused for its reason", async () => {
  const { world, receiver, sender } = await start();
  const [other] = world.others(sender).filter((node) => node !== receiver);
  assert.ok(other !== undefined);
  const from = sender.group().replica;
  const to = receiver.group().replica;
  const { ballot: current, commitIndex: index, membership } = receiver.group().status();
  const heartbeat = { kind: "Heartbeat", from, to, ballot: current, commitIndex: index, round: 0 } as const;
  const message = encode(raftProtocol.messageCodec, heartbeat);
  const position = { index: logIndex(100), ballot: ballot(99), membership };
  const installing = raftProtocol.installSnapshot({ from, to, ballot: ballot(99) }, position);
  const snapshot = encode(raftProtocol.messageCodec, installing);
  const impossible = encode(raftProtocol.messageCodec, { ...heartbeat, ballot: ballot(2 ** 51) });
  const ofGroup = (bytes: Uint8Array): FrameItem => ({ kind: "Message", group: group1, message: bytes });
  const rest: FrameItem = { kind: "Rest", group: group1, from, to, ballot: current, index };
  const cases: readonly [FrameRefusal, TestNode, Uint8Array][] = [
    ["malformed", sender, new Uint8Array()],
    ["malformed", sender, frameOf(sender, ofGroup(new Uint8Array([1, 99])))],
    ["version", sender, new Uint8Array([200, 1, 2, 3])],
    ["unknown-group", sender, frameOf(sender, { kind: "Message", group: groupId(7), message })],
    ["unknown-group", sender, frameOf(sender, { kind: "Wake", group: groupId(7) })],
    // Another node speaks for the leader's replica; the leader's node speaks under another log.
    ["foreign", other, frameOf(other, ofGroup(message))],
    ["foreign", other, frameOf(other, rest)],
    ["foreign", sender, frameOf(other, ofGroup(message))],
    ["foreign", sender, frameOf(other, { kind: "Wake", group: group1 })],
    ["foreign", sender, frameOf(sender, { ...rest, to: from })],
    // A snapshot that no host has received.
    ["invalid", sender, frameOf(sender, ofGroup(snapshot))],
    ["invalid", sender, frameOf(sender, ofGroup(impossible))],
  ];
  for (const [i, [reason, node, frame]] of cases.entries()) {
    const before = await refusals(receiver, reason);
    receiver.host.onFrame(node.id, frame);
    await world.simulation.runFor(1);
    assert.equal(await refusals(receiver, reason), before + 1, `case ${i}: ${reason}`);
  }
  assert.equal(receiver.group().status().ballot, current);
});

test("hostile frames: any bytes in a frame or a message are no exception", async () => {
  const { world, receiver, sender } = await start();
  const { random } = world;
  for (let i = 0; i < 2000; i++) {
    const bytes = random.bytes(uniform(random, 60));
    bytes[0] = 1;
    receiver.host.onFrame(sender.id, bytes);
    receiver.host.onFrame(sender.id, frameOf(sender, { kind: "Message", group: group1, message: bytes }));
  }
  await world.append(await world.leader(), "b");
});

test("hostile snapshots: one from a node that is not that replica's home is refused, and stages nothing", async () => {
  const { world, receiver, sender } = await start();
  const position = {
    index: logIndex(1000),
    ballot: ballot(99),
    membership: receiver.group().status().membership,
  };
  const head = {
    ...envelope,
    group: group1,
    from: sender.group().replica,
    to: receiver.group().replica,
    position,
  };
  const foreign = encode(snapshotHeadCodec, { ...head, incarnation: "another" });
  const count = await refusals(receiver, "foreign");
  await world.run(receiver.host.onExchange(sender.id, { head: foreign, body: emptyBody }));
  assert.equal(await refusals(receiver, "foreign"), count + 1);
  assert.equal(receiver.records.get(group1)?.store.staged, undefined);
  await assert.rejects(receiver.host.onExchange(sender.id, { head: new Uint8Array([9]), body: emptyBody }));
});
