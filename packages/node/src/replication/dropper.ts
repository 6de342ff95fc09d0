/**
 * Gives back the space of blocks that have moved to other nodes (S3), in a paced scan over this node's own blocks.
 *
 * A block is dropped when, by a layout that the system group has confirmed, its partition in the table of its content's width
 * is stable and names this node in no slot, and when a quorum of those slots say that they hold it. Of what is gone the
 * collector decides (S4); what nobody can say the width of is kept. Slots that lack a block which lies here get it by the list
 * of incomplete blocks, and it is kept until then.
 *
 * The erasure happens under the layout that it was judged by: a newer one, which may bring the block back, is not followed
 * here before it has ended. Otherwise a slot that was just given to this node could be counted complete with a block that
 * goes in the same moment.
 */

import type { BlockId, ContentId, Epoch, NodeId } from "@holdfast/base";
import { AssertionError, blockIdText, contentIdText } from "@holdfast/base";
import type { BlockStore } from "@holdfast/blocks";
import type { Clock, Counter, Journal, Metrics } from "@holdfast/ports";
import { allMetrics } from "@holdfast/ports";
import type { Layout, PartitionId, PartitionTable } from "@holdfast/ring";
import { isJoint, nodesOf, slotOf, tableOfWidth } from "@holdfast/ring";
import type { LayoutSource } from "../cluster/layout-placement.ts";
import { partitionOf } from "../cluster/layout-placement.ts";
import type { ContentStatus, ContentStatusOf } from "../cluster/layout-ports.ts";
import { Pace } from "../maintenance/pace.ts";
import { GrowingPause, Rounds } from "../maintenance/rounds.ts";
import type { IncompleteBlocks } from "./incomplete-blocks.ts";
import { quorumOf } from "./quorum.ts";
import type { ReplicationLimits } from "./replication-limits.ts";
import type { FragmentStat } from "./slot-answer.ts";
import type { Slots } from "./slots.ts";

export interface DropperParts {
  readonly store: Pick<BlockStore, "contents" | "blocksOf">;
  readonly slots: Slots;
  readonly incomplete: IncompleteBlocks;
  readonly placement: LayoutSource;
  /** By linearizable read of the system group. */
  readonly confirmedLayout: () => Promise<Layout | undefined>;
  readonly contentStatus: ContentStatusOf;
  readonly yieldToForeground: () => Promise<void> | undefined;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly metrics: Metrics;
  readonly limits: ReplicationLimits;
}

export interface DropperOptions {
  readonly intervalMs: number;
  /** Between two scans of which the first had to keep something; doubles from `intervalMs` up to this. */
  readonly retryMsMax: number;
  /** Contents that are asked about. */
  readonly contentsPerSecondMax: number;
}

const contentsPerStep = 64;
const blocksPerStep = 500;

interface MovedBlock {
  readonly id: BlockId;
  readonly width: number;
}

export class Dropper {
  readonly #parts: DropperParts;
  readonly #options: DropperOptions;
  readonly #rounds: Rounds;
  readonly #pace: Pace;
  readonly #dropped: Counter;
  readonly #kept: Counter;
  /** The layout by which the last scan left nothing to be dropped. */
  #cleanEpoch: Epoch | undefined;
  readonly #pause: GrowingPause;

  constructor(parts: DropperParts, options: DropperOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#pause = new GrowingPause(options.intervalMs, options.retryMsMax);
    this.#rounds = new Rounds(parts, "dropping moved blocks", () => this.#round());
    this.#pace = new Pace(parts.clock, this.#rounds.signal);
    this.#dropped = parts.metrics.counter(allMetrics.droppedBlocks, { outcome: "dropped" });
    this.#kept = parts.metrics.counter(allMetrics.droppedBlocks, { outcome: "kept" });
  }

  start(): void {
    this.#rounds.start(this.#options.intervalMs);
  }

  /** Between two steps. */
  async stop(): Promise<void> {
    await this.#rounds.stop();
  }

  async #round(): Promise<number> {
    const { intervalMs } = this.#options;
    const epoch = this.#parts.placement.layout?.epoch;
    if (epoch === undefined || epoch === this.#cleanEpoch) return intervalMs;
    // What somebody still stores here under an older layout would come behind the scan.
    await this.#parts.slots.follow(epoch);
    const isClean = await this.#scan();
    if (isClean) this.#cleanEpoch = epoch;
    return this.#pause.after(isClean);
  }

  /** False when something was kept that another scan may drop. */
  async #scan(): Promise<boolean> {
    const { store } = this.#parts;
    let isClean = true;
    const moved: MovedBlock[] = [];
    for (let after: ContentId | undefined; ; ) {
      const contents = store.contents(after, contentsPerStep);
      after = contents.at(-1);
      if (after === undefined) break;
      for (const content of contents) {
        if (this.#rounds.signal.aborted) return false;
        isClean = (await this.#judgeContent(content, moved)) && isClean;
        if (moved.length >= blocksPerStep) isClean = (await this.#drop(moved.splice(0))) && isClean;
      }
      await this.#pace.worked(0, undefined);
    }
    return (await this.#drop(moved)) && isClean;
  }

  /** Adds what has moved, and drops it on the way where it is much. False when something was kept, or cannot be said. */
  async #judgeContent(content: ContentId, moved: MovedBlock[]): Promise<boolean> {
    const { store, placement } = this.#parts;
    let status: ContentStatus | undefined;
    let isClean = true;
    for (let after: BlockId | undefined; ; ) {
      const ids = store.blocksOf(content, after, blocksPerStep);
      after = ids.at(-1);
      if (after === undefined) return isClean;
      const { layout } = placement;
      if (layout === undefined) return false;
      const strays = ids.filter((id) => this.#mayHaveMoved(layout, id));
      if (strays.length === 0) continue;
      status ??= await this.#statusOf(content);
      if (status === "gone") return isClean;
      if (status === undefined || status === "open") return false;
      const { width } = status;
      for (const id of strays) if (this.#hasMoved(layout, id, width)) moved.push({ id, width });
      if (moved.length >= blocksPerStep) isClean = (await this.#drop(moved.splice(0))) && isClean;
    }
  }

  async #statusOf(content: ContentId): Promise<ContentStatus | undefined> {
    const { journal, contentStatus } = this.#parts;
    await this.#parts.yieldToForeground();
    await this.#pace.worked(1, this.#options.contentsPerSecondMax);
    try {
      return await contentStatus(content);
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      const fields = { content: contentIdText(content), cause: String(error) };
      journal.info("content not known to be live", fields);
      return undefined;
    }
  }

  /** Whatever its width is: most blocks need no question. */
  #mayHaveMoved(layout: Layout, id: BlockId): boolean {
    const partition = partitionOf(layout, id);
    const member = this.#memberIn(layout);
    return layout.tables.some((table) => isElsewhere(table, partition, member));
  }

  #hasMoved(layout: Layout, id: BlockId, width: number): boolean {
    const table = tableOfWidth(layout, width);
    return table !== undefined && isElsewhere(table, partitionOf(layout, id), this.#memberIn(layout));
  }

  /** -1 when it is none. */
  #memberIn({ members }: Layout): number {
    return members.findIndex(({ id }) => id === this.#parts.slots.self);
  }

  /** False when some had to be kept. */
  async #drop(candidates: readonly MovedBlock[]): Promise<boolean> {
    if (candidates.length === 0) return true;
    const { slots, confirmedLayout } = this.#parts;
    const layout = await confirmedLayout();
    if (layout === undefined) return false;
    const moved = candidates.filter(({ id, width }) => this.#hasMoved(layout, id, width));
    const stats = await this.#statsOf(layout, moved);
    const safe: BlockId[] = [];
    for (const block of moved) {
      if (await this.#isHeld(layout, block, stats)) safe.push(block.id);
      else this.#kept.add(1);
    }
    const erased = safe.length === 0 ? undefined : await slots.drop(safe, layout.epoch);
    this.#dropped.add(erased?.blocks ?? 0);
    return moved.length === candidates.length && safe.length === moved.length && erased !== undefined;
  }

  /** What each slot's node says of the blocks that belong there; without those that do not answer. */
  async #statsOf(layout: Layout, moved: readonly MovedBlock[]): Promise<ReadonlyMap<NodeId, Stats>> {
    const { slots, limits } = this.#parts;
    const asked = new Map<NodeId, BlockId[]>();
    for (const { id, width } of moved)
      for (const node of slotsOf(layout, id, width)) asked.set(node, [...(asked.get(node) ?? []), id]);
    const end = { deadlineMs: limits.attemptMs, signal: this.#rounds.signal };
    const answers = await Promise.all(
      Array.from(asked, async ([node, ids]): Promise<readonly [NodeId, Stats]> => {
        const answer = await slots.stat(node, ids, layout.epoch, end);
        if (answer.kind !== "done") return [node, new Map()];
        return [node, new Map(ids.map((id, i) => [blockIdText(id), answer.value[i]?.state]))];
      }),
    );
    return new Map(answers);
  }

  /** By a quorum of its slots; those that lack it are to get it. */
  async #isHeld(
    layout: Layout,
    { id, width }: MovedBlock,
    stats: ReadonlyMap<NodeId, Stats>,
  ): Promise<boolean> {
    let heldCount = 0;
    for (const node of slotsOf(layout, id, width)) {
      const state = stats.get(node)?.get(blockIdText(id));
      if (state === "whole") heldCount++;
      else if (state !== undefined) await this.#parts.incomplete.add({ node, id, width });
    }
    return heldCount >= quorumOf(width);
  }
}

type Stats = ReadonlyMap<string, FragmentStat["state"] | undefined>;

/** Stable without this node: what is joint belongs to old and new owners alike. */
function isElsewhere(table: PartitionTable, partition: PartitionId, member: number): boolean {
  return !isJoint(table, partition) && slotOf(table, partition, member) < 0;
}

function slotsOf(layout: Layout, id: BlockId, width: number): readonly NodeId[] {
  const table = tableOfWidth(layout, width);
  if (table === undefined) return [];
  return nodesOf(layout, table, partitionOf(layout, id));
}
