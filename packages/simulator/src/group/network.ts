/** Links between replicas: each direction has its own delay, loss, and may be cut or clogged. */

import type { Random } from "@holdfast/base";
import { uniform } from "@holdfast/base";
import type { Envelope, ReplicaId } from "@holdfast/consensus";
import { violated } from "../model/violation.ts";
import type { NetworkPlan } from "./group-plan.ts";

/** Farther ahead than any message is delayed. */
const wheelTicks = 128;
/** In a tick; some messages take none. */
const arrivalsMax = 100_000;

export class GroupNetwork<Message extends Envelope> {
  /** Nothing is lost, doubled or late. */
  isPerfect = false;
  readonly #plan: NetworkPlan;
  readonly #random: Random;
  readonly #wheel: Message[][] = Array.from({ length: wheelTicks }, () => []);
  /** Directed links that carry nothing, as `from * 1000 + to`. */
  #cut = new Set<number>();
  #clogged = new Set<number>();
  /** This tick's arrivals are still being handed out: what is sent now without delay is among them. */
  #isArriving = false;

  constructor(plan: NetworkPlan, random: Random) {
    this.#plan = plan;
    this.#random = random;
  }

  send(message: Message, now: number): void {
    const { lossPerMille, duplicatePerMille } = this.#plan;
    if (this.isPerfect) return this.#schedule(message, now, 0);
    if (this.#cut.has(link(message.from, message.to))) return;
    if (uniform(this.#random, 1000) < lossPerMille) return;
    this.#schedule(message, now, this.#delay(message));
    if (uniform(this.#random, 1000) < duplicatePerMille)
      this.#schedule(message, now, this.#delay(message) + uniform(this.#random, 20));
  }

  /** What arrives now. */
  *arrivals(now: number): Generator<Message> {
    const slot = this.#wheel[now % wheelTicks] ?? [];
    this.#isArriving = true;
    for (let i = 0; i < slot.length; i++) {
      const next = slot[i];
      if (i > arrivalsMax) violated("messages beget messages without end");
      if (next !== undefined && !this.#cut.has(link(next.from, next.to))) yield next;
    }
    slot.length = 0;
    this.#isArriving = false;
  }

  isCut(from: ReplicaId, to: ReplicaId): boolean {
    return this.#cut.has(link(from, to));
  }

  /** Replaces all cuts. */
  cut(links: readonly (readonly [from: ReplicaId, to: ReplicaId])[]): void {
    this.#cut = new Set(links.map(([from, to]) => link(from, to)));
  }

  clog(from: ReplicaId, to: ReplicaId): void {
    this.#clogged.add(link(from, to));
  }

  unclog(): void {
    this.#clogged = new Set();
  }

  #delay({ from, to }: Message): number {
    const delay = uniform(this.#random, this.#plan.delayMax + 1);
    return this.#clogged.has(link(from, to)) ? delay + 20 + uniform(this.#random, 60) : delay;
  }

  #schedule(message: Message, now: number, delay: number): void {
    const ticks = this.#isArriving ? delay : Math.max(1, delay);
    this.#wheel[(now + ticks) % wheelTicks]?.push(message);
  }
}

function link(from: ReplicaId, to: ReplicaId): number {
  return from * 1000 + to;
}
