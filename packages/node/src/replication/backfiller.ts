/**
 * Fills the slots that a layout change gives to this node, and says so to the system group when they are complete (S3).
 *
 * 1. Every shard has closed the epochs before the change: nothing is committed any more that only the old slots have.
 * 2. This node's server follows the change's layout: what it drops under older ones is gone, and seen as gone.
 * 3. A pass through what the old owners list.
 * 4. The partitions that are complete are reported, under the change that they were copied for.
 *
 * A crash anywhere repeats the pass. What stays incomplete is tried again, with pauses that double.
 */

import type { Epoch } from "@holdfast/base";
import { findCluster } from "@holdfast/namespace";
import { allMetrics } from "@holdfast/ports";
import type { Layout } from "@holdfast/ring";
import type { OwedSlots } from "@holdfast/shard";
import { closedEverywhere, findLayout, layoutChange, owedSlots, usedWidths } from "@holdfast/shard";
import { Pace } from "../maintenance/pace.ts";
import { GrowingPause, Rounds } from "../maintenance/rounds.ts";
import { refusal } from "../refusal.ts";
import type { BackfillParts } from "./backfill-pass.ts";
import { BackfillPass } from "./backfill-pass.ts";
import { OwedPartitions } from "./owed-partitions.ts";

export interface BackfillOptions {
  readonly intervalMs: number;
  /** Between two passes of which the first left something incomplete; doubles from `intervalMs` up to this. */
  readonly retryMsMax: number;
  /** Of copied blocks. */
  readonly bytesPerSecondMax: number;
}

export class Backfiller {
  readonly #parts: BackfillParts;
  readonly #options: BackfillOptions;
  readonly #rounds: Rounds;
  readonly #pace: Pace;
  #owedCount = 0;
  readonly #pause: GrowingPause;

  constructor(parts: BackfillParts, options: BackfillOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#pause = new GrowingPause(options.intervalMs, options.retryMsMax);
    this.#rounds = new Rounds(parts, "backfill", () => this.#round());
    this.#pace = new Pace(parts.clock, this.#rounds.signal);
    parts.metrics.watch(allMetrics.backfillPartitions, {}, () => this.#owedCount);
  }

  start(): void {
    this.#rounds.start(this.#options.intervalMs);
  }

  /** Between two batches. */
  async stop(): Promise<void> {
    await this.#rounds.stop();
  }

  async #round(): Promise<number> {
    return this.#pause.after(await this.#fill());
  }

  /** False when something could not be completed. */
  async #fill(): Promise<boolean> {
    const { system, placement, slots } = this.#parts;
    const change = layoutChange(system.state);
    const layout = change === undefined ? undefined : findLayout(system.state);
    const owed = layout === undefined ? [] : owedSlots(system.state, layout, slots.self);
    this.#owedCount = owed.reduce((sum, { partitions }) => sum + partitions.length, 0);
    if (change === undefined || layout === undefined || owed.length === 0) return true;
    if (closedEverywhere(system.state, findCluster(system.state)?.shardCount ?? 0) < change) return true;
    const known = placement.layout;
    if (known === undefined || known.epoch < change) return true;
    await slots.follow(known.epoch);
    return this.#pass(change, layout, owed);
  }

  async #pass(change: Epoch, layout: Layout, owed: readonly OwedSlots[]): Promise<boolean> {
    // Of a width that no bucket had when every shard had closed, there is nothing that only the old slots have: whatever will be
    // of it is stored under this change. So nobody waits for an old owner that is lost, either.
    const used = usedWidths(this.#parts.system.state);
    const isUsed = ({ width }: OwedSlots): boolean => used.includes(width);
    await this.#report(
      change,
      owed.filter((each) => !isUsed(each)),
    );
    const partitions = new OwedPartitions(layout, owed.filter(isUsed));
    const options = {
      bytesPerSecondMax: this.#options.bytesPerSecondMax,
      pace: this.#pace,
      signal: this.#rounds.signal,
    };
    const pass = new BackfillPass(this.#parts, options, change, partitions);
    await pass.run(async (complete) => {
      await this.#report(change, complete);
      this.#owedCount = partitions.count;
    });
    return partitions.count === 0;
  }

  async #report(change: Epoch, complete: readonly OwedSlots[]): Promise<void> {
    const { system, slots, journal } = this.#parts;
    for (const { width, partitions } of complete) {
      journal.info("slots complete", { width, partitions: partitions.length, change });
      const report = { kind: "completeSlots", node: slots.self, width, partitions, change } as const;
      const result = await system.append(report);
      if (result.kind === "refused") throw refusal(result.code, result.subject);
    }
  }
}
