/** Gathers what is to be said to other nodes within one turn into as few frames as their bound allows. */

import type { NodeId } from "@holdfast/base";
import type { Clock, Network } from "@holdfast/ports";
import type { ProposalFrame } from "./proposal-frames.ts";

/** A frame takes no further item beyond this. */
const frameBytesMax = 256 * 1024;

export interface TurnFramesOptions<Item> {
  readonly network: Network;
  readonly clock: Clock;
  readonly open: (run: number) => ProposalFrame<Item>;
  /** These items will certainly not arrive. */
  readonly onUnsent: (items: readonly Item[]) => void;
}

export class TurnFrames<Item> {
  readonly #options: TurnFramesOptions<Item>;
  /** By node, then by run. */
  readonly #open = new Map<NodeId, Map<number, ProposalFrame<Item>>>();
  #isPlanned = false;

  constructor(options: TurnFramesOptions<Item>) {
    this.#options = options;
  }

  add(to: NodeId, run: number, item: Item): void {
    let ofNode = this.#open.get(to);
    if (ofNode === undefined) this.#open.set(to, (ofNode = new Map()));
    let frame = ofNode.get(run);
    if (frame === undefined) ofNode.set(run, (frame = this.#options.open(run)));
    frame.add(item);
    if (frame.length >= frameBytesMax) {
      ofNode.delete(run);
      this.#send(to, frame);
    }
    this.#plan();
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    this.#options.clock.soon(() => this.#flush());
  }

  #flush(): void {
    this.#isPlanned = false;
    for (const [to, frames] of this.#open) for (const frame of frames.values()) this.#send(to, frame);
    this.#open.clear();
  }

  #send(to: NodeId, frame: ProposalFrame<Item>): void {
    if (!this.#options.network.send(to, frame.finish())) this.#options.onUnsent(frame.items);
  }
}
