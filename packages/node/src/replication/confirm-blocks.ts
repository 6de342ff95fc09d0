/**
 * Confirms that blocks count as stored under today's layout (S3): for a writer whose shard takes the evidence no more that
 * the blocks were stored with.
 *
 *   1. All old and new slots are asked what they hold.
 *   2. A block that does not count as stored is read from a slot that has it and put into those that lack it.
 *
 * A slot that says "whole" under an epoch is as good a proof as one that takes the block now: the block is durable
 * there, and so in everything that the slot lists under that epoch or a later one.
 */

import type { BlockId, Epoch, NodeId } from "@holdfast/base";
import { blockIdText, epoch, StoreError } from "@holdfast/base";
import type { Journal } from "@holdfast/ports";
import { sleep } from "@holdfast/ports";
import { blocksPerRequestMax } from "./block-wire.ts";
import type { BlockSlots, Placement } from "./placement.ts";
import { nodesOf } from "./placement.ts";
import { isStored } from "./quorum.ts";
import type { ReadParts } from "./replicated-read.ts";
import { foundWithout, readFromSlots } from "./replicated-read.ts";
import type { FragmentStat, SlotAnswer, Standing } from "./slot-answer.ts";
import { reasonsText } from "./slot-answer.ts";
import type { Evidence, KnownHolders } from "./slot-writes.ts";
import type { Fragment } from "./slots.ts";

export interface ConfirmParts extends ReadParts {
  readonly placement: Placement;
  readonly journal: Journal;
  /** Puts a block into the slots that lack it. */
  readonly complete: (fragment: Fragment, width: number, known: KnownHolders) => Completing;
}

export interface Completing {
  readonly durable: Promise<Evidence>;
  readonly settled: Promise<void>;
}

/** Blocks that are copied at the same time. */
const copiesMax = 4;

interface Confirmed {
  readonly id: BlockId;
  readonly layout: BlockSlots;
  readonly holders: Map<NodeId, Standing>;
  /** As those have it that hold it. */
  body: Pick<FragmentStat, "bytes" | "checksum"> | undefined;
}

/**
 * The lowest epoch of the evidence; undefined of no blocks. Rejects with StoreError, nothing applied: "Unavailable" when a
 * block is in no slot, or its quorum cannot be reached, or a newer layout does not come in time; otherwise as a put does.
 */
export async function confirmBlocks(
  parts: ConfirmParts,
  ids: Iterable<BlockId>,
  width: number,
): Promise<Epoch | undefined> {
  let lowest: Epoch | undefined;
  for (const some of inSteps(ids)) {
    const found = await confirmStep(parts, some, width);
    lowest = lowest === undefined || found < lowest ? found : lowest;
  }
  return lowest;
}

function* inSteps(ids: Iterable<BlockId>): Generator<readonly BlockId[], void, undefined> {
  let step: BlockId[] = [];
  for (const id of ids) {
    step.push(id);
    if (step.length < blocksPerRequestMax) continue;
    yield step;
    step = [];
  }
  if (step.length > 0) yield step;
}

/** Who hears of a newer layout waits for it: only under the newest does evidence count for long. */
async function confirmStep(parts: ConfirmParts, ids: readonly BlockId[], width: number): Promise<Epoch> {
  const { clock, limits } = parts;
  const endMs = clock.monotonicMs() + limits.putDeadlineMs;
  for (;;) {
    const blocks = await ask(parts, ids, width);
    if (blocks !== undefined) return complete(parts, blocks, width);
    if (clock.monotonicMs() + limits.retryMsMin >= endMs)
      throw new StoreError("Unavailable", "This node does not know the newest layout yet. Try again.");
    await sleep(clock, limits.retryMsMin);
  }
}

/** Undefined when somebody follows a newer layout than this node. */
async function ask(
  { placement, slots, limits, journal }: ConfirmParts,
  ids: readonly BlockId[],
  width: number,
): Promise<readonly Confirmed[] | undefined> {
  const blocks = ids.map((id): Confirmed => {
    return { id, layout: placement.slotsOf(id, width), holders: new Map(), body: undefined };
  });
  const ofNodes = new Map<NodeId, Confirmed[]>();
  for (const block of blocks)
    for (const node of nodesOf(block.layout)) {
      const some = ofNodes.get(node);
      if (some === undefined) ofNodes.set(node, [block]);
      else some.push(block);
    }
  const end = { deadlineMs: limits.attemptMs };
  const asked = Array.from(ofNodes, async ([node, some]) => {
    // One layout: all slots were looked up in one synchronous run.
    const under = some[0]?.layout.epoch ?? epoch(0);
    const answer = await slots.stat(
      node,
      some.map(({ id }) => id),
      under,
      end,
    );
    note(journal, node, some, answer);
    return answer;
  });
  const answers = await Promise.all(asked);
  const isBehind = answers.some((answer) => answer.kind === "refused" && answer.reason === "stale-epoch");
  return isBehind ? undefined : blocks;
}

function note(
  journal: Journal,
  node: NodeId,
  blocks: readonly Confirmed[],
  answer: SlotAnswer<readonly FragmentStat[]>,
): void {
  if (answer.kind !== "done") return;
  for (const [i, block] of blocks.entries()) {
    const stat = answer.value[i];
    if (stat?.state !== "whole") continue;
    block.body ??= stat;
    if (block.body.bytes !== stat.bytes || block.body.checksum !== stat.checksum)
      throw conflict(journal, block.id, node);
    block.holders.set(node, answer.standing);
  }
}

/** S1: an id names one body for ever, and which is the right one is not decided here. */
function conflict(journal: Journal, id: BlockId, node: NodeId): StoreError {
  const fields = { block: blockIdText(id), node };
  journal.error("block conflict", fields);
  return new StoreError("Internal", "Two slots hold different bodies under this block's id.", {
    outcome: "not-applied",
    fields,
  });
}

async function complete(parts: ConfirmParts, blocks: readonly Confirmed[], width: number): Promise<Epoch> {
  const isComplete = ({ layout, holders }: Confirmed): boolean =>
    isStored(layout, width, (node) => holders.has(node));
  let lowest = Math.min(...blocks.map(evidenceOf));
  const lacking = blocks.filter((block) => !isComplete(block)).values();
  const work = async (): Promise<void> => {
    for (const block of lacking) lowest = Math.min(lowest, await copy(parts, block, width));
  };
  await Promise.all(Array.from({ length: copiesMax }, work));
  return epoch(lowest);
}

/** A server that has moved on meanwhile was asked under this epoch all the same. */
function evidenceOf({ layout, holders }: Confirmed): number {
  return Math.min(layout.epoch, ...Array.from(holders.values(), (standing) => standing.epoch));
}

async function copy(parts: ConfirmParts, block: Confirmed, width: number): Promise<Epoch> {
  const { slots, limits, journal } = parts;
  const { id, layout, holders } = block;
  const reading = await readFromSlots(parts, id, layout, limits.readDeadlineMs);
  if (reading.block === undefined) {
    const fields = { block: blockIdText(id), epoch: layout.epoch, reasons: reasonsText(reading.reasons) };
    journal.error("block in no slot", fields);
    const message = "A block of this body is in none of the nodes that can be reached.";
    throw new StoreError("Unavailable", message, { fields });
  }
  for (const { node } of foundWithout(layout, reading)) holders.delete(node);
  const { body, checksum } = reading.block;
  const { durable, settled } = parts.complete({ id, body, checksum }, width, {
    epoch: layout.epoch,
    holders,
  });
  void settled.finally(() => slots.frames.recycle(body));
  return (await durable).epoch;
}
