/**
 * Blocks that are stored in slots on several nodes: what the node's files use in the place of a local block store
 * (docs/internals/blocks-replication.md).
 *
 * What is durable when: `durable` resolves after a quorum of the slots has synced the block, and in joint a quorum of the
 * new slots too (S2, S3). Slots that lack it by the time of `settled` stand in the durable list of incomplete blocks.
 */

import type { BlockId, Epoch, NodeId, Random } from "@holdfast/base";
import { blockIdText, StoreError } from "@holdfast/base";
import type { BlockFrames, StoredBlock } from "@holdfast/blocks";
import { ByteGate } from "@holdfast/blocks";
import type { Clock, Journal, Metrics } from "@holdfast/ports";
import { allMetrics, sleep } from "@holdfast/ports";
import type { ConfirmParts } from "./confirm-blocks.ts";
import { confirmBlocks } from "./confirm-blocks.ts";
import type { IncompleteBlocks } from "./incomplete-blocks.ts";
import type { NodeTrust } from "./node-trust.ts";
import type { BlockSlots, Placement } from "./placement.ts";
import { nodesOf } from "./placement.ts";
import type { SlotReading } from "./replicated-read.ts";
import { foundWithout, readFromSlots } from "./replicated-read.ts";
import type { ReplicationLimits } from "./replication-limits.ts";
import { ReplicationMetrics } from "./replication-metrics.ts";
import { reasonsText } from "./slot-answer.ts";
import type { Evidence, KnownHolders, WriteDecision } from "./slot-writes.ts";
import { SlotWrites } from "./slot-writes.ts";
import type { Fragment, Slots } from "./slots.ts";

/** A block on its way to its slots. */
export interface StoringBlock {
  /**
   * Rejects with StoreError, nothing applied: "Unavailable" when a quorum cannot be reached, or not in time; "OutOfSpace"
   * when all that is missing are full disks; "Overloaded" when there was no room for the body; "Internal" for a conflict (S1).
   */
  readonly durable: Promise<Evidence>;
  /** When nothing reads the body any more; only then may it be changed or recycled. Behind `durable`, whatever became of it. */
  readonly settled: Promise<void>;
}

interface Storing {
  readonly fragment: Fragment;
  readonly width: number;
  readonly known: KnownHolders | undefined;
}

export interface ReplicatedBlocksParts {
  readonly placement: Placement;
  readonly slots: Slots;
  readonly trust: NodeTrust;
  readonly incomplete: IncompleteBlocks;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly limits: ReplicationLimits;
}

export class ReplicatedBlocks {
  readonly #parts: ReplicatedBlocksParts;
  readonly #metrics: ReplicationMetrics;
  readonly #held: ByteGate;
  /** Writes with their quorum that wait for their last slots, the oldest first, with the bytes of their bodies. */
  readonly #lingering = new Map<SlotWrites, number>();
  #lingeringBytes = 0;
  readonly #storing = new Set<Promise<void>>();

  constructor(parts: ReplicatedBlocksParts) {
    this.#parts = parts;
    this.#metrics = new ReplicationMetrics(parts.metrics);
    this.#held = new ByteGate(parts.limits.heldBytesMax);
    parts.metrics.watch(allMetrics.replicatedHeldBytes, {}, () => this.heldBytes);
    parts.metrics.watch(allMetrics.incompleteBlocks, {}, () => parts.incomplete.count);
  }

  /** Bodies that are in use here, those of reads not included. */
  get heldBytes(): number {
    return this.#held.bytes;
  }

  get frames(): BlockFrames {
    return this.#parts.slots.frames;
  }

  /** `checksum` is the body's CRC-32 as its writer computed it; `width` the number of slots. */
  put(id: BlockId, body: Uint8Array, checksum: number, width: number): StoringBlock {
    return this.#put({ id, body, checksum }, width, undefined);
  }

  /**
   * Makes sure that blocks which are stored somewhere count as stored under today's layout, and resolves with the lowest epoch
   * of that evidence (S3); undefined of no blocks. Rejects as `put(...).durable` does.
   */
  confirm(ids: Iterable<BlockId>, width: number): Promise<Epoch | undefined> {
    const complete: ConfirmParts["complete"] = (fragment, slots, known) => this.#put(fragment, slots, known);
    return confirmBlocks({ ...this.#parts, complete }, ids, width);
  }

  #put(fragment: Fragment, width: number, known: KnownHolders | undefined): StoringBlock {
    const writes: SlotWrites[] = [];
    const admitted = this.#admit(fragment.body.length);
    const durable = this.#store(admitted, { fragment, width, known }, writes);
    const settled = this.#settle(admitted, durable, writes);
    this.#storing.add(settled);
    // It rejects for a broken invariant alone; then this does too, and nobody handles it.
    void settled.finally(() => this.#storing.delete(settled));
    return { durable, settled };
  }

  /**
   * Verified. The body may be recycled in the frames of the local block store, or left. Throws StoreError "Unavailable" when
   * no slot gave it: that is no evidence that it does not exist; the content's home shard alone can say (S3, S6).
   */
  async read(id: BlockId, width: number): Promise<StoredBlock> {
    const { placement, clock, limits } = this.#parts;
    const endMs = clock.monotonicMs() + limits.readDeadlineMs;
    for (let pauseMs = limits.retryMsMin; ; pauseMs = Math.min(limits.retryMsMax, 2 * pauseMs)) {
      const layout = placement.slotsOf(id, width);
      const reading = await readFromSlots(this.#parts, id, layout, endMs - clock.monotonicMs());
      if (reading.block !== undefined) {
        this.#repair(id, width, layout, reading);
        return reading.block;
      }
      const isBusy = [...reading.reasons.values()].includes("busy");
      const mayHelp = isBusy || reading.isBehind;
      if (!mayHelp || clock.monotonicMs() + pauseMs >= endMs) throw this.#unreadable(id, layout, reading);
      await sleep(clock, pauseMs);
    }
  }

  /** Waits for no slow slot any more: what lacks a block goes to the list. Resolves when all puts are settled. */
  async close(): Promise<void> {
    for (const writes of this.#lingering.keys()) writes.cut();
    await Promise.allSettled(this.#storing);
  }

  /** What gives the room back. */
  async #admit(bytes: number): Promise<() => void> {
    const { clock, limits } = this.#parts;
    const entered = this.#held.enter(bytes);
    const late = Promise.withResolvers<"late">();
    const timer = clock.after(limits.putDeadlineMs, () => late.resolve("late"));
    const outcome = await Promise.race([entered, late.promise]);
    timer.cancel();
    if (outcome !== "late") return () => this.#held.leave(bytes);
    void entered.then(() => this.#held.leave(bytes));
    throw new StoreError("Overloaded", "Too many blocks wait to be stored. Try again in a moment.");
  }

  async #store(
    admitted: Promise<unknown>,
    { fragment, width, known }: Storing,
    all: SlotWrites[],
  ): Promise<Evidence> {
    const { placement, clock, limits } = this.#parts;
    const endMs = clock.monotonicMs() + limits.putDeadlineMs;
    await admitted;
    for (let layout = placement.slotsOf(fragment.id, width); ; ) {
      const deadlineMs = endMs - clock.monotonicMs();
      const parts = { ...this.#parts, metrics: this.#metrics };
      // What was said under another layout is no evidence under this one.
      const holders = known?.epoch === layout.epoch ? known.holders : undefined;
      const writes = new SlotWrites(parts, { fragment, layout, width, deadlineMs, holders });
      all.push(writes);
      const decision = await writes.decided;
      if (decision.kind === "stored") return this.#stored(writes, decision.evidence, fragment.body.length);
      const newer =
        decision.kind === "stale"
          ? await this.#newerLayout(fragment.id, width, layout.epoch, endMs)
          : undefined;
      if (newer === undefined) throw this.#failed(fragment.id, decision);
      layout = newer;
    }
  }

  /** Other nodes follow one, so it is on its way here too. Undefined when it does not come in time. */
  async #newerLayout(
    id: BlockId,
    width: number,
    than: Epoch,
    endMs: number,
  ): Promise<BlockSlots | undefined> {
    const { placement, clock, limits } = this.#parts;
    while (clock.monotonicMs() < endMs) {
      const layout = placement.slotsOf(id, width);
      if (layout.epoch > than) return layout;
      await sleep(clock, limits.retryMsMin);
    }
    return undefined;
  }

  #stored(writes: SlotWrites, evidence: Evidence, bytes: number): Evidence {
    this.#metrics.puts.stored.add(1);
    this.#lingering.set(writes, bytes);
    this.#lingeringBytes += bytes;
    const leave = (): void => this.#leaveLingering(writes);
    writes.settled.then(leave, leave);
    for (const oldest of this.#lingering.keys()) {
      if (this.#lingeringBytes <= this.#parts.limits.lingerBytesMax) break;
      oldest.cut();
      this.#leaveLingering(oldest);
    }
    return evidence;
  }

  #leaveLingering(writes: SlotWrites): void {
    this.#lingeringBytes -= this.#lingering.get(writes) ?? 0;
    this.#lingering.delete(writes);
  }

  async #settle(
    admitted: Promise<() => void>,
    durable: Promise<Evidence>,
    writes: readonly SlotWrites[],
  ): Promise<void> {
    await Promise.allSettled([durable]);
    try {
      await Promise.all(writes.map(({ settled }) => settled));
    } finally {
      await admitted.then(
        (leave) => leave(),
        () => undefined,
      );
    }
  }

  #failed(id: BlockId, decision: Exclude<WriteDecision, { readonly kind: "stored" }>): StoreError {
    const block = blockIdText(id);
    if (decision.kind === "conflict") {
      this.#metrics.puts.conflict.add(1);
      return new StoreError("Internal", "A slot holds another body under this block's id.", {
        outcome: "not-applied",
        fields: { block, node: decision.node },
      });
    }
    this.#metrics.puts.short.add(1);
    const reasons = decision.kind === "short" ? reasonsText(decision.reasons) : "stale-epoch";
    this.#parts.journal.warn("block short of its quorum", { block, reasons });
    const isFull =
      decision.kind === "short" &&
      decision.reasons.size > 0 &&
      [...decision.reasons.values()].every((reason) => reason === "no-space");
    return isFull
      ? new StoreError(
          "OutOfSpace",
          "The disks of the nodes that should store this are full: nothing was stored. Delete files or add space.",
        )
      : new StoreError("Unavailable", "Too few of the nodes that should store this can be reached.", {
          fields: { reasons },
        });
  }

  #unreadable(id: BlockId, layout: BlockSlots, { reasons }: SlotReading): StoreError {
    this.#metrics.readFailures.add(1);
    const fields = { block: blockIdText(id), epoch: layout.epoch, reasons: reasonsText(reasons) };
    this.#parts.journal.error("block in no slot", fields);
    if (this.#isLost(layout, reasons))
      return new StoreError("DataCorrupt", "A block of this file is damaged. Run `holdfast fsck`.", {
        fields,
      });
    return new StoreError(
      "Unavailable",
      "A block of this file is in none of the nodes that can be reached.",
      {
        fields,
      },
    );
  }

  /**
   * Every slot has answered, and one of them had it; or this node is the only slot. That others say "missing" alone is never
   * evidence that there is none (S3).
   */
  #isLost(layout: BlockSlots, reasons: ReadonlyMap<NodeId, string>): boolean {
    const nodes = nodesOf(layout);
    const said = nodes.map((node) => reasons.get(node));
    const all = said.every((reason) => reason === "missing" || reason === "corrupt");
    const isHereAlone = nodes.length === 1 && nodes[0] === this.#parts.slots.self;
    return all && (isHereAlone || said.includes("corrupt"));
  }

  /** In passing: who lacks it gets it from the completer, which asks the home shard first (S7). */
  #repair(id: BlockId, width: number, layout: BlockSlots, reading: SlotReading): void {
    const { incomplete, journal } = this.#parts;
    for (const { node, cause } of foundWithout(layout, reading)) {
      if (incomplete.has({ node, id })) continue;
      this.#metrics.repairs[cause].add(1);
      const fields = { block: blockIdText(id), node, cause };
      journal.warn("block to be repaired", fields);
      incomplete.add({ node, id, width }).catch((error: unknown) => {
        journal.error("repair not listed", { ...fields, problem: String(error) });
      });
    }
  }
}
