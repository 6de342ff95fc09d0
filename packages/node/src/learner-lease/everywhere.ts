/**
 * Whether every node knows of a change of the system group (SAFETY S18). What is taken away goes in two steps: first it is marked, and
 * every node knows of the mark; from then on nobody answers about it by its lease, so that it ends at one moment for all.
 *
 * A node knows when it has applied the entry. Of one that does not say so it is enough that its lease has run out: a lease is
 * borne by a barrier; one that began after the entry shows it, and none that began before lasts longer than `leaseMs`. So
 * nobody keeps a list of who holds a lease, and no change waits longer than for one.
 */

import type { LogIndex, NodeId } from "@holdfast/base";
import { DecodeError, decode, encode } from "@holdfast/base";
import type { Clock, Exchange, Network, NetworkReceiver } from "@holdfast/ports";
import { emptyBody, NetworkError, sleep } from "@holdfast/ports";
import { appliedQuestionCodec } from "./applied-question.ts";
import { AppliedWaits } from "./applied-waits.ts";
import { leaseMs } from "./learner-lease.ts";

/** By this node's clock. Others run slower by less than a tenth. */
const outlivedMs = 1.1 * leaseMs;
const pauseMs = 100;

export interface EverywhereParts {
  readonly network: Network;
  readonly clock: Clock;
  /** Of the system group on this node. */
  readonly appliedIndex: () => LogIndex;
}

export class Everywhere implements NetworkReceiver {
  readonly #parts: EverywhereParts;
  readonly #waits: AppliedWaits;
  /** The cluster's nodes but this one. */
  #others: ReadonlySet<NodeId> | undefined;
  /** Nodes that were of the cluster a moment ago, and since when they are not. */
  readonly #gone = new Map<NodeId, number>();
  /** Until then there may be others, that went before this node started. */
  #knowsAllAtMs = 0;

  constructor(parts: EverywhereParts) {
    this.#parts = parts;
    this.#waits = new AppliedWaits(parts.appliedIndex);
  }

  /** Replaces what was known of the cluster's nodes. */
  setNodes(nodes: ReadonlySet<NodeId>): void {
    const { network, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    const others = new Set([...nodes].filter((node) => node !== network.self));
    if (this.#others === undefined && others.size > 0) this.#knowsAllAtMs = nowMs + outlivedMs;
    for (const node of others) this.#gone.delete(node);
    for (const node of this.#others ?? []) if (!others.has(node)) this.#gone.set(node, nowMs);
    this.#others = others;
  }

  /**
   * Resolves when no node trusts a copy of before this entry of the system group any more. The entry has been applied somewhere.
   * Never rejects.
   */
  async knows(index: LogIndex): Promise<void> {
    const { clock } = this.#parts;
    const outlived = new AbortController();
    const timer = clock.after(outlivedMs, () => outlived.abort());
    const { signal } = outlived;
    const isSure = clock.monotonicMs() >= this.#knowsAllAtMs;
    const nodes = [...(this.#others ?? []), ...this.#justGone()];
    const others = isSure
      ? nodes.map((node) => this.nodeKnows(node, index, signal))
      : [sleep(clock, outlivedMs)];
    await Promise.all([this.#waits.reached(index, signal), ...others]);
    timer.cancel();
  }

  /** Resolves when the other node has applied the entry, or when `signal` is aborted. Never rejects. */
  async nodeKnows(node: NodeId, index: LogIndex, signal: AbortSignal): Promise<void> {
    const { network, clock } = this.#parts;
    const head = encode(appliedQuestionCodec, { kind: "applied", index });
    while (!signal.aborted) {
      try {
        await network.exchange(node, { head, body: emptyBody }, signal);
        return;
      } catch (error) {
        if (!(error instanceof NetworkError)) throw error;
        await sleep(clock, pauseMs, signal);
      }
    }
  }

  /** Something was applied here. */
  onApplied(): void {
    this.#waits.onApplied();
  }

  onFrame(): void {
    // It has none.
  }

  onDisconnect(): void {
    // Its exchanges break.
  }

  async onExchange(_from: NodeId, { head }: Exchange, signal: AbortSignal): Promise<Exchange> {
    const { index } = questionIn(head);
    if (await this.#waits.reached(index, signal)) return { head: new Uint8Array(0), body: emptyBody };
    throw new NetworkError("refused", "too many wait here for entries of the system group");
  }

  #justGone(): Iterable<NodeId> {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [node, sinceMs] of this.#gone) if (nowMs - sinceMs >= outlivedMs) this.#gone.delete(node);
    return this.#gone.keys();
  }
}

function questionIn(head: Uint8Array): { readonly index: LogIndex } {
  try {
    return decode(appliedQuestionCodec, head);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new NetworkError("refused", "that is no question about the system group", { cause });
  }
}
