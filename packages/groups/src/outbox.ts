/** What all groups have for one node, gathered over a turn into as few frames as their bound allows. */

import type { GroupId, NodeId } from "@holdfast/base";
import { ByteWriter } from "@holdfast/base";
import type { ReplicaId } from "@holdfast/consensus";
import type { Network } from "@holdfast/ports";
import type { FrameHead, FrameItem, RestItem } from "./frame-codec.ts";
import { FrameWriter } from "./frame-codec.ts";
import type { GroupCounts } from "./group-counts.ts";
import { smallBytes } from "./limits.ts";

/** Told when a message of its cannot arrive. */
export interface Sender {
  onUnsent(to: ReplicaId): void;
}

export interface OutboxOptions {
  readonly network: Network;
  readonly counts: GroupCounts;
  readonly head: FrameHead;
  readonly frameBytesMax: number;
  /** Messages with entries are held back while so many bytes wait for the node. */
  readonly peerBytesMax: number;
}

export class Outbox {
  readonly node: NodeId;
  readonly #options: OutboxOptions;
  /** In which one frame after the other is gathered. */
  readonly #writer = new ByteWriter(1024);
  #frame: FrameWriter | undefined;
  /** Groups to be woken over there, until a frame that says so has left: nothing else would tell (resting.ts). */
  readonly #wakes = new Set<GroupId>();
  /** Whose messages the frame holds. */
  #senders: { readonly sender: Sender; readonly to: ReplicaId }[] = [];
  /** The last frame did not leave; only a sign of life is tried until something does. */
  #isStuck = false;
  /** A frame left since the last beat. */
  #hasSpoken = false;

  constructor(node: NodeId, options: OutboxOptions) {
    this.node = node;
    this.#options = options;
  }

  /** The node was heard of, or a connection to it was made: what is sent may arrive. */
  unblock(): void {
    this.#isStuck = false;
  }

  /** Best effort, as the network is. The item is copied at once. */
  message(sender: Sender, to: ReplicaId, item: FrameItem, bytes: number): void {
    const { network, peerBytesMax, counts } = this.#options;
    const isTooMuch =
      bytes > smallBytes &&
      network.queuedBytes(this.node) + (this.#frame?.length ?? 0) + bytes > peerBytesMax;
    if (this.#isStuck || isTooMuch) {
      counts.unsent.add(1);
      return sender.onUnsent(to);
    }
    this.#add(item);
    this.#senders.push({ sender, to });
  }

  /** If it gets lost, the follower does not rest. */
  rest(item: RestItem): void {
    if (!this.#isStuck) this.#add(item);
  }

  wake(group: GroupId): void {
    this.#wakes.add(group);
  }

  /** The end of a turn. */
  flush(): void {
    if (this.#isStuck) return;
    if (this.#frame !== undefined || this.#wakes.size > 0) this.#send();
  }

  /** A moment has passed: a sign of life, unless something else was one. */
  beat(): void {
    if (!this.#hasSpoken) this.#send();
    this.#hasSpoken = false;
  }

  #add(item: FrameItem): void {
    this.#frame ??= new FrameWriter(this.#options.head, this.#writer);
    this.#frame.add(item);
    if (this.#frame.length >= this.#options.frameBytesMax) this.#send();
  }

  #send(): void {
    const { network, counts, head } = this.#options;
    const frame = this.#frame ?? new FrameWriter(head, this.#writer);
    const senders = this.#senders;
    this.#frame = undefined;
    this.#senders = [];
    for (const group of this.#wakes) frame.add({ kind: "Wake", group });
    if (network.send(this.node, frame.finish())) {
      counts.frames.add(1);
      counts.messages.add(senders.length);
      this.#wakes.clear();
      this.#isStuck = false;
      this.#hasSpoken = true;
      return;
    }
    this.#isStuck = true;
    counts.unsent.add(senders.length);
    for (const { sender, to } of senders) sender.onUnsent(to);
  }
}
