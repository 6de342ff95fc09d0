/**
 * Reads one block from whichever slot gives it whole. This node's own comes first; the others follow one by one, each when
 * the one before it failed or is slow. All old and new slots are tried (S3).
 */

import type { BlockId, NodeId, Random } from "@holdfast/base";
import { uniform } from "@holdfast/base";
import type { StoredBlock } from "@holdfast/blocks";
import type { Clock, Timer } from "@holdfast/ports";
import type { NodeTrust } from "./node-trust.ts";
import type { BlockSlots } from "./placement.ts";
import { nodesOf } from "./placement.ts";
import type { ReplicationLimits } from "./replication-limits.ts";
import type { SlotAnswer } from "./slot-answer.ts";
import type { Slots } from "./slots.ts";

export interface ReadParts {
  readonly slots: Slots;
  readonly trust: NodeTrust;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: ReplicationLimits;
}

export interface SlotReading {
  /** Undefined when no slot gave it. */
  readonly block: StoredBlock | undefined;
  /** What those said that did not give it; one that was asked and did not matter any more is not named. */
  readonly reasons: ReadonlyMap<NodeId, string>;
  /** Somebody follows a newer layout than the one that this reader knows. */
  readonly isBehind: boolean;
}

/** `without`: a slot that is known to lack it. Ends within `deadlineMs`. */
export function readFromSlots(
  parts: ReadParts,
  id: BlockId,
  layout: BlockSlots,
  deadlineMs: number,
  without?: NodeId,
): Promise<SlotReading> {
  return new SlotReads(parts, id, layout, deadlineMs).run(without);
}

class SlotReads {
  readonly #parts: ReadParts;
  readonly #id: BlockId;
  readonly #layout: BlockSlots;
  readonly #deadlineMs: number;
  readonly #result = Promise.withResolvers<SlotReading>();
  readonly #reasons = new Map<NodeId, string>();
  readonly #stop = new AbortController();
  #candidates: NodeId[] = [];
  #asking = 0;
  #isBehind = false;
  #isOver = false;
  #hedge: Timer | undefined;

  constructor(parts: ReadParts, id: BlockId, layout: BlockSlots, deadlineMs: number) {
    this.#parts = parts;
    this.#id = id;
    this.#layout = layout;
    this.#deadlineMs = deadlineMs;
  }

  async run(without: NodeId | undefined): Promise<SlotReading> {
    this.#candidates = this.#inOrder().filter((node) => node !== without);
    const deadline = this.#parts.clock.after(this.#deadlineMs, () => this.#finish(undefined));
    this.#askNext();
    try {
      return await this.#result.promise;
    } finally {
      deadline.cancel();
      this.#hedge?.cancel();
      this.#stop.abort();
    }
  }

  /** This node's own, if it has it; then old before new, in turns so that all bear the load; nodes in doubt last. */
  #inOrder(): NodeId[] {
    const { slots, trust, random } = this.#parts;
    const { slots: old, next = [] } = this.#layout;
    const here = slots.statHere(this.#id).state;
    const nodes = new Set([...turned(old, random), ...turned(next, random)]);
    if (here !== "whole" && nodes.delete(slots.self))
      this.#reasons.set(slots.self, here === "absent" ? "missing" : "corrupt");
    const others = [...nodes].filter((node) => node !== slots.self);
    const trusted = others.filter((node) => !trust.isInDoubt(node));
    const doubtful = others.filter((node) => trust.isInDoubt(node));
    return [...(here === "whole" ? [slots.self] : []), ...trusted, ...doubtful];
  }

  #askNext(): void {
    this.#hedge?.cancel();
    const node = this.#candidates.shift();
    if (node === undefined) {
      if (this.#asking === 0) this.#finish(undefined);
      return;
    }
    const { clock, slots, limits } = this.#parts;
    this.#asking++;
    this.#hedge = clock.after(limits.hedgeMs, () => this.#askNext());
    const end = { deadlineMs: Math.min(limits.attemptMs, this.#deadlineMs), signal: this.#stop.signal };
    slots.read(node, this.#id, this.#layout.epoch, end).then(
      (answer) => this.#onAnswer(node, answer),
      (error: unknown) => this.#result.reject(error),
    );
  }

  #onAnswer(node: NodeId, answer: SlotAnswer<StoredBlock>): void {
    this.#asking--;
    if (this.#isOver) {
      if (answer.kind === "done") this.#parts.slots.frames.recycle(answer.value.body);
      return;
    }
    if (answer.kind !== "silent") this.#isBehind ||= answer.standing.epoch > this.#layout.epoch;
    if (answer.kind === "done") return this.#finish(answer.value);
    this.#reasons.set(node, answer.reason);
    this.#askNext();
  }

  #finish(block: StoredBlock | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#result.resolve({ block, reasons: this.#reasons, isBehind: this.#isBehind });
  }
}

function turned(nodes: readonly NodeId[], random: Random): readonly NodeId[] {
  if (nodes.length < 2) return nodes;
  const first = uniform(random, nodes.length);
  return [...nodes.slice(first), ...nodes.slice(0, first)];
}

/** For those who repair: which slots were found without the block, and why. */
export function foundWithout(
  layout: BlockSlots,
  { reasons }: SlotReading,
): readonly { readonly node: NodeId; readonly cause: "missing" | "corrupt" }[] {
  return nodesOf(layout).flatMap((node) => {
    const cause = reasons.get(node);
    return cause === "missing" || cause === "corrupt" ? [{ node, cause }] : [];
  });
}
