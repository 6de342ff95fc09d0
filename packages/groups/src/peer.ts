/** Another node as this host knows it: whether it lives, and what waits for it. Time is counted in ticks of the host. */

import type { NodeId } from "@holdfast/base";
import type { FrameHead } from "./frame-codec.ts";
import type { OutboxOptions } from "./outbox.ts";
import { Outbox } from "./outbox.ts";

/** `returned`: it was dead, or is another process than before: what it was told may be forgotten. */
export type Heard = "as-before" | "returned";

export class Peer {
  readonly node: NodeId;
  readonly outbox: Outbox;
  #heardAt: number | undefined;
  /** When its connection ended, unless it was heard of since, or it was said that it stayed away. */
  #lostAt: number | undefined;
  #run: number | undefined;

  constructor(node: NodeId, options: OutboxOptions) {
    this.node = node;
    this.outbox = new Outbox(node, options);
  }

  get isLive(): boolean {
    return this.#heardAt !== undefined;
  }

  onFrame({ run }: FrameHead, now: number): Heard {
    const isKnown = this.isLive && this.#run === run;
    this.#heardAt = now;
    this.#lostAt = undefined;
    this.#run = run;
    this.outbox.unblock();
    return isKnown ? "as-before" : "returned";
  }

  /** The connection to it ended. False when it was taken for dead already. */
  onDisconnect(now: number): boolean {
    if (!this.isLive) return false;
    this.#heardAt = undefined;
    this.#lostAt = now;
    return true;
  }

  /** True once, when it was not heard of for so long after its connection had ended. */
  stayedAway(now: number, ticks: number): boolean {
    if (this.#lostAt === undefined || now - this.#lostAt < ticks) return false;
    this.#lostAt = undefined;
    return true;
  }

  /** Silent for more than `livenessTicks`: taken for dead from now on. */
  becameSilent(now: number, livenessTicks: number): boolean {
    if (this.#heardAt === undefined || now - this.#heardAt <= livenessTicks) return false;
    this.#heardAt = undefined;
    return true;
  }
}
