import assert from "node:assert/strict";
import { test } from "node:test";
import { groupId, nodeId } from "@holdfast/base";
import type { ReplicaId } from "@holdfast/consensus";
import { replicaId } from "@holdfast/consensus";
import type { Network } from "@holdfast/ports";
import { silentMetrics } from "@holdfast/ports";
import type { FrameItem, MessageItem } from "./frame-codec.ts";
import { decodeFrame } from "./frame-codec.ts";
import { GroupCounts } from "./group-counts.ts";
import { Outbox } from "./outbox.ts";

const to = replicaId(2);

/** A network that keeps what it is given, or takes nothing. */
class Wire implements Network {
  readonly self = nodeId("a");
  readonly frames: (readonly FrameItem[])[] = [];
  isUp = true;
  queued = 0;

  send(_to: string, frame: Uint8Array): boolean {
    if (this.isUp) this.frames.push(decodeFrame(frame).items);
    return this.isUp;
  }

  queuedBytes(): number {
    return this.queued;
  }

  exchange(): Promise<never> {
    return Promise.reject(new Error("not here"));
  }

  listen(): void {
    // Nothing arrives.
  }

  setPeers(): void {
    // There is one.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class Unsent {
  readonly to: ReplicaId[] = [];

  onUnsent(replica: ReplicaId): void {
    this.to.push(replica);
  }
}

function outboxOn(wire: Wire): Outbox {
  const counts = new GroupCounts(silentMetrics);
  const head = { incarnation: "log-1", run: 1 };
  return new Outbox(nodeId("b"), {
    network: wire,
    counts,
    head,
    frameBytesMax: 10_000,
    peerBytesMax: 20_000,
  });
}

function message(group: number, bytes: number): MessageItem {
  return { kind: "Message", group: groupId(group), message: new Uint8Array(bytes) };
}

function put(outbox: Outbox, sender: Unsent, item: MessageItem): void {
  outbox.message(sender, to, item, item.message.length);
}

test("outbox: what all groups say in one turn leaves in one frame", () => {
  const wire = new Wire();
  const outbox = outboxOn(wire);
  for (let group = 1; group <= 100; group++) put(outbox, new Unsent(), message(group, 50));
  assert.equal(wire.frames.length, 0);
  outbox.flush();
  assert.deepEqual(
    wire.frames.map((items) => items.length),
    [100],
  );
});

test("outbox: a frame takes no more beyond its bound", () => {
  const wire = new Wire();
  const outbox = outboxOn(wire);
  for (let group = 1; group <= 3; group++) put(outbox, new Unsent(), message(group, 6000));
  outbox.flush();
  assert.deepEqual(
    wire.frames.map((items) => items.length),
    [2, 1],
  );
});

test("outbox: while much waits for the node, entries are held back and small messages pass", () => {
  const wire = new Wire();
  const outbox = outboxOn(wire);
  const sender = new Unsent();
  wire.queued = 19_000;
  put(outbox, sender, message(1, 2000));
  put(outbox, sender, message(1, 100));
  outbox.flush();
  assert.deepEqual(sender.to, [to]);
  assert.deepEqual(
    wire.frames.map((items) => items.length),
    [1],
  );
});

test("outbox: what could not leave is told to its senders, and nothing is gathered for a node that is away", () => {
  const wire = new Wire();
  const outbox = outboxOn(wire);
  const sender = new Unsent();
  wire.isUp = false;
  put(outbox, sender, message(1, 10));
  outbox.flush();
  put(outbox, sender, message(1, 10));
  assert.deepEqual(sender.to, [to, to]);
  wire.isUp = true;
  outbox.flush();
  assert.equal(wire.frames.length, 0);
  outbox.unblock();
  put(outbox, sender, message(1, 10));
  outbox.flush();
  assert.equal(wire.frames.length, 1);
});

test("outbox: a wake that could not leave leaves with the next frame that does", () => {
  const wire = new Wire();
  const outbox = outboxOn(wire);
  wire.isUp = false;
  outbox.wake(groupId(4));
  outbox.flush();
  wire.isUp = true;
  outbox.beat();
  assert.deepEqual(wire.frames, [[{ kind: "Wake", group: groupId(4) }]]);
  outbox.unblock();
  outbox.beat();
  outbox.beat();
  assert.deepEqual(wire.frames[1], [], "said once");
});

test("outbox: a sign of life leaves only if nothing else was one", () => {
  const wire = new Wire();
  const outbox = outboxOn(wire);
  put(outbox, new Unsent(), message(1, 10));
  outbox.flush();
  outbox.beat();
  assert.equal(wire.frames.length, 1);
  outbox.beat();
  assert.deepEqual(wire.frames[1], []);
});
